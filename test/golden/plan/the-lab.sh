# missing: the MAC address of port vf0 is not known, so tap ext0 would get a random one: request it by "mac" in the network annotation, or let the network resources injector mount /etc/podnetinfo
RUNTIME_DIRECTORY=/tmp/spillway-lab
POLLING_CPUS=1
HOUSEKEEPING_CPUS=0
LCORES='0@(0),1@1'
PCI=
TAPS=ext0
EAL_ARGS='--lcores '\''0@(0),1@1'\'' --no-huge --no-shconf -m 1024 --no-pci --vdev net_af_packet0,iface=vf0 --vdev net_tap0,iface=ext0 --iova-mode=va --file-prefix=spillway-exec'
