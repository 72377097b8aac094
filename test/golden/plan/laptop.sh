# missing: port vf0 has no kernel path: DPDK's net_tap needs CAP_NET_ADMIN to take tap ext0, and it is not effective; with /dev/vhost-net (needVhostNet: true) no capability is needed; ports[].exception.backend: none does without
RUNTIME_DIRECTORY=/run/user/1000
POLLING_CPUS=1
HOUSEKEEPING_CPUS=0,2
LCORES='0@(0,2),1@1'
PCI=
TAPS=ext0
EAL_ARGS='--lcores '\''0@(0,2),1@1'\'' --no-huge --no-shconf -m 1024 --no-pci --vdev net_af_packet0,iface=vf0 --iova-mode=va --file-prefix=spillway-exec'
