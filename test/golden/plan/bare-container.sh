--lcores '0@(3),1@3' --no-huge --no-shconf -m 40 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '--log-level=*:info'
RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=3
HOUSEKEEPING_CPUS=3
EAL_ARGS='--lcores '\''0@(3),1@3'\'' --no-huge --no-shconf -m 40 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '\''--log-level=*:info'\'''
