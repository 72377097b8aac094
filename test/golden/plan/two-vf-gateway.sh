# missing: the MAC address of port east is not known, so tap ext0 would get a random one: request it by "mac" in the network annotation, or let the network resources injector mount /etc/podnetinfo
# missing: port west has no kernel path: DPDK's net_tap needs CAP_NET_ADMIN to take tap ext1, and it is not effective; with /dev/vhost-net (needVhostNet: true) no capability is needed
RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=9-11
HOUSEKEEPING_CPUS=8
LCORES='0@(8),1@9,2@10,3@11'
PCI=0000:5e:02.1,0000:5e:02.0
TAPS=ext0,ext1
EAL_ARGS='--lcores '\''0@(8),1@9,2@10,3@11'\'' --in-memory --socket-mem 1024,2048 --socket-limit 1024,2048 -a 0000:5e:02.1 -a 0000:5e:02.0 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0 --iova-mode=va --file-prefix=spillway-exec'
