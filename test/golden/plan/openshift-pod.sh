# missing: the MAC address of port vf0 is not known, so tap ext0 would get a random one: request it by "mac" in the network annotation, or let the network resources injector mount /etc/podnetinfo
RUNTIME_DIRECTORY=/var/run/dpdk
POLLING_CPUS=3-5
HOUSEKEEPING_CPUS=2
LCORES='0@(2),1@3,2@4,3@5'
PCI=0000:3b:02.4
TAPS=ext0
EAL_ARGS='--lcores '\''0@(2),1@3,2@4,3@5'\'' --in-memory --socket-mem 1022 --socket-limit 1022 -a 0000:3b:02.4 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0 --iova-mode=va --file-prefix=spillway-exec'
