# missing: port east has no kernel path: DPDK's net_tap needs CAP_NET_ADMIN to take tap ext1, and it is not effective; no capability is needed when /dev/vhost-net can be opened, which gives EACCES here (spillway doctor says why); ports[].exception.backend: none does without
# missing: port west has no kernel path: DPDK's net_tap needs CAP_NET_ADMIN to take tap ext0, and it is not effective; no capability is needed when /dev/vhost-net can be opened, which gives EACCES here (spillway doctor says why); ports[].exception.backend: none does without
RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=9
HOUSEKEEPING_CPUS=8,24
LCORES='0@(8,24),1@9'
PCI=0000:5e:02.1,0000:5e:02.0
TAPS=ext1,ext0
EAL_ARGS='--lcores '\''0@(8,24),1@9'\'' --in-memory --socket-mem 0,3072 --socket-limit 1,3072 -a 0000:5e:02.1 -a 0000:5e:02.0 --iova-mode=va --file-prefix=spillway-gateway'
