# missing: port vf0 has no kernel path: DPDK's net_tap needs CAP_NET_ADMIN to take tap ext0, and it is not effective; with /dev/vhost-net (needVhostNet: true) no capability is needed
RUNTIME_DIRECTORY=/run/user/1000
POLLING_CPUS=1-3
HOUSEKEEPING_CPUS=0
LCORES='0@(0),1@1,2@2,3@3'
PCI=
TAPS=ext0
EAL_ARGS='--lcores '\''0@(0),1@1,2@2,3@3'\'' --no-huge --no-shconf -m 512 --no-pci --vdev net_af_packet0,iface=vf0 --iova-mode=va --file-prefix=spillway-exec'
