RUNTIME_DIRECTORY=/run/spillway
POLLING_CPUS=8-11
HOUSEKEEPING_CPUS=0-1
LCORES='0@(0-1),1@8,2@9,3@10,4@11'
PCI=0000:d8:01.2
TAPS=ext0
EAL_ARGS='--lcores '\''0@(0-1),1@8,2@9,3@10,4@11'\'' --in-memory --socket-mem 0,1024 --socket-limit 1,1024 -a 0000:d8:01.2 --vdev virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0,mac=50:00:00:00:20:01 --iova-mode=va --file-prefix=spillway-spillway'
