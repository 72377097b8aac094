--lcores '0@(2),1@3,2@4,3@5' --in-memory -m 92 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '--log-level=*:info'
RUNTIME_DIRECTORY=/var/run/dpdk
POLLING_CPUS=3-5
HOUSEKEEPING_CPUS=2
EAL_ARGS='--lcores '\''0@(2),1@3,2@4,3@5'\'' --in-memory -m 92 -a 0000:00:00.0 --iova-mode=va --no-telemetry --file-prefix=spillway '\''--log-level=*:info'\'''
