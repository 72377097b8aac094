RUNTIME_DIRECTORY=/var/run/spillway
POLLING_CPUS=5
HOUSEKEEPING_CPUS=4,20
LCORES='0@(4),1@5'
PCI=0000:3b:00.3
TAPS=ext0
EAL_ARGS='--lcores '\''0@(4),1@5'\'' --in-memory --socket-mem 3072,0 --socket-limit 3072,1 -a 0000:3b:00.3 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0,mac=16:4f:0c:7a:31:02 --iova-mode=va --file-prefix=spillway-spillway'
