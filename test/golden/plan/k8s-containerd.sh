RUNTIME_DIRECTORY=/tmp
POLLING_CPUS=3-5
HOUSEKEEPING_CPUS=2
LCORES='0@(2),1@3,2@4,3@5'
PCI=0000:65:0a.1
TAPS=ext0
EAL_ARGS='--lcores '\''0@(2),1@3,2@4,3@5'\'' --in-memory --socket-mem 1024 --socket-limit 1024 -a 0000:65:0a.1 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0,mac=6e:00:00:00:00:10 --iova-mode=va --file-prefix=spillway-edge'
