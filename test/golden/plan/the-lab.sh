RUNTIME_DIRECTORY=/tmp/spillway-lab
POLLING_CPUS=1
HOUSEKEEPING_CPUS=0
LCORES='0@(0),1@1'
PCI=
TAPS=ext0
EAL_ARGS='--lcores '\''0@(0),1@1'\'' --no-huge --no-shconf -m 1024 --no-pci --vdev net_af_packet0,iface=vf0 --vdev net_tap0,iface=ext0,mac=02:00:0a:63:00:01 --iova-mode=va --file-prefix=spillway-exec'
