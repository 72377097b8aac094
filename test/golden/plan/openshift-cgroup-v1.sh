RUNTIME_DIRECTORY=/var/run
POLLING_CPUS=9-10
HOUSEKEEPING_CPUS=8,24
LCORES='0@(8),1@9,2@10'
PCI=0000:af:02.0
TAPS=ext0
EAL_ARGS='--lcores '\''0@(8),1@9,2@10'\'' --in-memory --socket-mem 0,1024 --socket-limit 1,1024 -a 0000:af:02.0 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0,mac=20:04:0f:f1:88:01 --iova-mode=va --file-prefix=spillway-exec'
