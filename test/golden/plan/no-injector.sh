RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=7
HOUSEKEEPING_CPUS=6,14
LCORES='0@(6,14),1@7'
PCI=0000:07:00.2
TAPS=
EAL_ARGS='--lcores '\''0@(6,14),1@7'\'' --in-memory --socket-mem 254 --socket-limit 254 -a 0000:07:00.2 --iova-mode=va --file-prefix=spillway-exec'
