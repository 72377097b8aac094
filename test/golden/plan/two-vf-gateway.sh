--lcores '0@(8),1@9,2@10,3@11' --in-memory -m 1024 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '--log-level=*:info'
RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=9-11
HOUSEKEEPING_CPUS=8
EAL_ARGS='--lcores '\''0@(8),1@9,2@10,3@11'\'' --in-memory -m 1024 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '\''--log-level=*:info'\'''
