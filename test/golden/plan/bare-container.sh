RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=3
HOUSEKEEPING_CPUS=3
LCORES='0@(3),1@3'
PCI=
TAPS=
EAL_ARGS='--lcores '\''0@(3),1@3'\'' --no-huge --no-shconf -m 64 --no-pci --vdev net_null0 --iova-mode=va --file-prefix=spillway-exec'
