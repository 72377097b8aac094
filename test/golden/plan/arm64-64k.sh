RUNTIME_DIRECTORY=/var/run
POLLING_CPUS=1-3
HOUSEKEEPING_CPUS=0,4-7
LCORES='0@(0,4-7),1@1,2@2,3@3'
PCI=0000:01:00.2
TAPS=
EAL_ARGS='--lcores '\''0@(0,4-7),1@1,2@2,3@3'\'' --in-memory --socket-mem 1024 --socket-limit 1024 -a 0000:01:00.2 --iova-mode=va --file-prefix=spillway-exec'
