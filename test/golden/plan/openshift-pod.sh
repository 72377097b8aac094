RUNTIME_DIRECTORY=/var/run/dpdk
POLLING_CPUS=3
HOUSEKEEPING_CPUS=2,18
LCORES='0@(2,18),1@3'
PCI=0000:18:02.4
TAPS=ext0
EAL_ARGS='--lcores '\''0@(2,18),1@3'\'' --in-memory --socket-mem 1022,0 --socket-limit 1022,1 -a 0000:18:02.4 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0,mac=50:00:00:00:10:01 --iova-mode=va --file-prefix=spillway-spillway'
