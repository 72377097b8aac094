--lcores '0@(0),1@1,2@2,3@3' --no-huge --no-shconf -m 85 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '--log-level=*:info'
RUNTIME_DIRECTORY=/run/user/1000
POLLING_CPUS=1-3
HOUSEKEEPING_CPUS=0
EAL_ARGS='--lcores '\''0@(0),1@1,2@2,3@3'\'' --no-huge --no-shconf -m 85 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '\''--log-level=*:info'\'''
