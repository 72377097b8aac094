--lcores '0@(0,4-7),1@1,2@2,3@3' --in-memory -m 512 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '--log-level=*:info'
RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=1-3
HOUSEKEEPING_CPUS=0,4-7
EAL_ARGS='--lcores '\''0@(0,4-7),1@1,2@2,3@3'\'' --in-memory -m 512 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '\''--log-level=*:info'\'''
