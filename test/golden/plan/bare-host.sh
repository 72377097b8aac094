RUNTIME_DIRECTORY=/var/run
POLLING_CPUS=2-4
HOUSEKEEPING_CPUS=0-1,5-17,21-31
LCORES='0@(0-1,5-17,21-31),1@2,2@3,3@4'
PCI=0000:17:00.0
TAPS=ext0
EAL_ARGS='--lcores '\''0@(0-1,5-17,21-31),1@2,2@3,3@4'\'' --in-memory --socket-mem 1024,0 --socket-limit 1024,1 -a 0000:17:00.0 --vdev virtio_user0,path=/dev/vhost-net,queues=8,queue_size=1024,iface=ext0,mac=3c:ec:ef:00:00:21 --iova-mode=va --file-prefix=spillway-exec'
