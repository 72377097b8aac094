RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=12
HOUSEKEEPING_CPUS=4
LCORES='0@(4),1@12'
PCI=0000:41:01.1
TAPS=ext1
EAL_ARGS='--lcores '\''0@(4),1@12'\'' --in-memory --socket-mem 510 --socket-limit 510 -a 0000:41:01.1 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext1,mac=50:00:00:00:40:02 --iova-mode=va --file-prefix=spillway-second'
