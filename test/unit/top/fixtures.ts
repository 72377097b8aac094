import type { Status } from '../../../src/http/status.js'

const rates = {
  rx: 1_234_567,
  forwarded: 1_234_000,
  consumed: 0,
  generated: 0,
  punted: 512.4,
  injected: 480,
  dropped: { tx_full: 55 },
  deviceRxBits: 9_876_543_210,
  deviceTxBits: 9_800_000_000,
}

const totals = {
  rxPackets: 12_345_678_901,
  forwarded: 12_345_670_000,
  consumed: 0,
  generated: 0,
  punted: 8_000,
  puntedBytes: 800_000,
  puntedByClass: { control: 12, local: 7_988 },
  puntedMerged: 0,
  tapRxFrames: 7_900,
  injectedFrames: 7_890,
  injectedSegments: 9_000,
  dropped: { tx_full: 901, inject_no_mbuf: 10, runt: 0 },
  device: {
    rxPackets: 12_345_678_901,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    rxMissed: 0,
    rxErrors: 0,
    rxNombuf: 0,
    txErrors: 0,
  },
}

/** Two ports, one of them down, under load. */
export const busy: Status = {
  version: '0.1.0',
  dpdkVersion: 'DPDK 22.11.11',
  state: 'running',
  uptimeSeconds: 3725,
  ready: true,
  notReady: [],
  worker: { pid: 4242, up: true, uptimeSeconds: 60, restarts: { killed: 1, crashed: 1 }, lastDeath: null },
  forwardingMode: 'macswap',
  intervalSeconds: 1,
  findings: [],
  ports: [
    {
      name: 'vf0',
      devargs: '0000:3b:02.4',
      device: { name: '0000:3b:02.4', driver: 'net_iavf', mac: '50:00:00:00:00:01', mtuBytes: 1500 },
      link: { up: true, speedMbps: 25_000 },
      exception: { backend: 'vhost-net', tap: 'ext0', addresses: ['10.99.0.1'], neighbour: null, vhostWorkers: [] },
      totals,
      rates,
    },
    {
      name: 'management',
      devargs: '0000:3b:02.5',
      device: null,
      link: { up: false, speedMbps: 0 },
      exception: { backend: 'none', tap: '', addresses: [], neighbour: null, vhostWorkers: [] },
      totals: { ...totals, rxPackets: 0, forwarded: 0, punted: 0, tapRxFrames: 0, injectedFrames: 0, dropped: {} },
      rates: { ...rates, rx: 0, forwarded: 0, punted: 0, injected: 0, dropped: {}, deviceRxBits: 0, deviceTxBits: 0 },
    },
  ],
  lcores: [
    {
      lcoreId: 1,
      cpuId: 2,
      rxqs: ['vf0:0', 'management:0'],
      busy: 0.634,
      rxPerSecond: 1_234_567,
      pollsPerSecond: 9_400_000,
    },
    { lcoreId: 12, cpuId: 13, rxqs: [], busy: 0, rxPerSecond: 0, pollsPerSecond: 21_000_000 },
  ],
  exceptionThreads: [{ thread: '0', busy: 0.02, pollsPerSecond: 18_000 }],
  rules: {
    generation: 2,
    refused: 0,
    lastRefusal: null,
    classifier: 'tables',
    inForce: [
      { name: 'bgp', verdict: 'kernel', packets: 12, bytes: 900, packetsPerSecond: 0.4 },
      { name: 'default', verdict: 'forward', packets: 12_345_670_000, bytes: 1e12, packetsPerSecond: 1_234_000 },
    ],
  },
  mempools: [{ numaNode: '0', mbufs: 16_384, inUse: 2_048 }],
}

/** Between two workers. */
export const waiting: Status = {
  ...busy,
  state: 'waiting',
  ready: false,
  notReady: ['not forwarding: waiting'],
  worker: { ...busy.worker, pid: null, up: false },
  exceptionThreads: [],
  rules: { ...busy.rules, inForce: [] },
}
