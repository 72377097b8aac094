import { z } from 'zod'
import { logFormats, logLevels } from '../log.js'
import { parseCpuList } from './cpu-list.js'
import { isSocketPath, parseListen } from './listen.js'
import { forwardingModes, hugepageSizes, limitSchema, macAddress } from './terms.js'
import { parseVlanList } from './vlan-list.js'

/*
 * Every setting of Spillway, once: type, range, unit, default and a line of doc. The messages for bad values,
 * `docs/configuration.md`, the JSON Schema for editors and the names of environment variables come from here.
 * `meta.expected` says in words what a value must be where the type alone does not.
 */

const auto = z.literal('auto')

const portName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,30}$/)
  .meta({ expected: 'a name of at most 31 of a-z 0-9 . _ - that starts with a letter or digit' })

/**
 * What the kernel's dev_valid_name() takes, in ASCII, and without the `%` of its name templates. Without `,` and `=` and
 * what quotes too: devargs and counter labels are made of it.
 */
const tapName = z.string().regex(/^(?!\.{1,2}$)(?!.*[/:%,="'\\])[\x21-\x7e]{1,15}$/)

const powerOfTwo = (least: number, most: number) =>
  z
    .int()
    .min(least)
    .max(most)
    .refine((value) => Number.isInteger(Math.log2(value)))
    .meta({ expected: `a power of two from ${least} to ${most}` })

/** Many PMDs (iavf among them) take only multiples of 32. */
const descriptors = z.int().min(64).max(32_768).multipleOf(32).meta({ expected: 'a multiple of 32 from 64 to 32768' })

const exceptionSchema = z.strictObject({
  backend: z
    .enum(['auto', 'vhost-net', 'tap', 'vhost-user', 'none'])
    .default('auto')
    .meta({
      description:
        'How packets reach the kernel: virtio-user on /dev/vhost-net, or the tap itself; or another switch in user space, ' +
        'at a vhost-user socket; or nobody. `auto` takes the first of the first two that can be opened.',
    }),
  tap: tapName.default('auto').meta({
    description:
      "The tap. `auto`: the one with the MAC address of the port's device; else `ext0` for the first port, `ext1` for " +
      'the second, if it exists; else, in a pod, the free taps in their order.',
    expected: 'auto or the name of a tap (a netdev name, at most 15 characters)',
  }),
  queues: z
    .union([auto, z.int().min(1).max(16)])
    .default('auto')
    .meta({
      description:
        'Queues of the tap, each with an exception thread; more than one needs a tap made with multi_queue, more than 8 ' +
        'on `vhost-net` and `vhost-user` DPDK 23.03. `auto`: as many as there are housekeeping CPUs for, at most 8.',
    }),
  hold: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Keep a queue of the tap, without traffic, in a process of its own: then its carrier, neighbours and routing sessions survive ' +
        'a restart of the worker. Needs a tap made with multi_queue.',
    }),
  queueSize: powerOfTwo(64, 32_768).default(1024).meta({
    description: 'Descriptors of a virtio queue; `vhost-net` and `vhost-user` have them.',
    unit: 'descriptors',
  }),
  socket: z
    .string()
    .regex(/^\/[\w./@+-]{1,106}$/)
    .nullable()
    .default(null)
    .meta({
      description: 'For `vhost-user`: the path of the socket at which the neighbour is met.',
      expected: 'an absolute path of at most 107 of A-Z a-z 0-9 _ . / @ + -',
    }),
  server: z
    .boolean()
    .default(false)
    .meta({ description: 'For `vhost-user`: whether the neighbour connects to us, or we to it.' }),
})

const portSchema = z.strictObject({
  name: portName.optional().meta({
    description: 'What metrics, logs and `forwarding` call the port. Default: `vf0`, `vf1`, … by position.',
  }),
  device: z
    .string()
    .regex(/^[\x21-\x7e]{1,500}$/)
    .default('auto')
    .meta({
      description:
        'A PCI address, vdev devargs (`net_af_packet0,iface=eth1`), or `auto`: ' +
        'the next address of the variables that the device plugin sets (PCIDEVICE_…).',
      expected: 'auto, a PCI address such as 0000:3b:02.4, or vdev devargs such as net_af_packet0,iface=eth1',
    }),
  queues: z
    .union([auto, z.int().min(1).max(64)])
    .default('auto')
    .meta({ description: 'Queue pairs for the lcores. `auto`: one per lcore, or as many as the device has.' }),
  mtu: z
    .union([auto, z.int().min(68).max(9702)])
    .default('auto')
    .meta({
      description:
        "Largest packet without Ethernet header. `auto`: the device's, or the tap's where that is longer, followed while it runs.",
      unit: 'bytes',
    }),
  vlans: z
    .array(z.union([z.int(), z.string()]))
    .max(256)
    .refine((entries) => parseVlanList(entries) !== undefined)
    .default([])
    .meta({
      description:
        "VLANs to let in for the fast path; those of the tap's VLAN children are let in by themselves. Only VFs of igb and ixgbe " +
        'have to be told, other devices let every VLAN in.',
      expected: 'a list of at most 256 VLAN ids from 1 to 4094 and ranges of them, such as [100, "200-210"]',
    }),
  rxDescriptors: descriptors.default(512).meta({ description: 'Descriptors of a receive queue.' }),
  txDescriptors: descriptors.default(512).meta({ description: 'Descriptors of a transmit queue.' }),
  offloads: z
    .strictObject({
      tap: z
        .boolean()
        .default(true)
        .meta({
          description:
            'Kernel and Spillway hand each other TCP in pieces of up to 64 KiB and with unfinished checksums. ' +
            'Off, everything passes one packet at a time: for comparison.',
        }),
      tso: z
        .boolean()
        .default(false)
        .meta({
          description:
            'The device cuts bulk TCP of the kernel into packets; without, Spillway does. ' +
            'On iavf it takes every packet of the port off the vector path.',
        }),
      rxChecksum: z
        .boolean()
        .default(false)
        .meta({
          description:
            'The device checks TCP and UDP checksums, and the kernel does not check again what it found right. ' +
            'It costs every received packet a little.',
        }),
    })
    .prefault({})
    .meta({ description: 'Work for the device. What it cannot do is done in software, and a warning says so.' }),
  exception: exceptionSchema.prefault({}).meta({ description: "The port's way to the kernel and back." }),
})

const ruleSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
    .meta({
      description: 'Unique; the label of its counters.',
      expected: 'a name of at most 63 of a-z 0-9 . _ - that starts with a letter or digit',
    }),
  match: z
    .string()
    .max(4096)
    .refine((text) => text.trim() !== '' && !text.includes('\0'))
    .meta({
      description:
        'What it matches, in the language of tcpdump: pcap-filter(7), with addresses and not names of hosts.',
      expected: 'a pcap-filter(7) expression such as "tcp port 179", at most 4096 characters',
    }),
  to: z.enum(['kernel', 'forward', 'drop']).meta({ description: 'Where its packets go.' }),
  limit: limitSchema.nullable().default(null).meta({
    description: 'For `to: kernel`: what may pass; the rest is dropped with reason `rule_limit`. `null`: no limit.',
  }),
  class: z.enum(['control', 'local', 'other']).default('other').meta({
    description: 'For `to: kernel`: the order on the exception path, control before local before other.',
  }),
})

export const ruleListSchema = z.array(ruleSchema).max(256).meta({ expected: 'a list of at most 256 rules' })

export const configSchema = z
  .strictObject({
    lcores: z
      .string()
      .refine((text) => text === 'auto' || parseCpuList(text) !== undefined)
      .default('auto')
      .meta({
        description:
          'CPUs that poll, one lcore each; the rest of the allowed CPUs is for housekeeping. ' +
          '`auto`: one of each physical core but one, on the NUMA node of the devices; `spillway plan` says which and why.',
        expected: 'auto or a list of CPU ids in quotes, such as "2-5,8"',
      }),
    vhostCpus: z
      .string()
      .refine((text) => text === 'auto' || parseCpuList(text) !== undefined)
      .default('auto')
      .meta({
        description:
          "CPUs for the kernel's vhost workers, which are threads of ours from Linux 6.4 on. `auto`: the housekeeping CPUs.",
        expected: 'auto or a list of CPU ids in quotes, such as "0,6"',
      }),
    idle: z.enum(['auto', 'poll', 'ramp']).default('auto').meta({
      description:
        'What an lcore does without packets: poll on, or sleep in a short ramp. `auto`: poll on CPUs of its own.',
    }),
    burst: z.int().min(1).max(256).default(32).meta({
      description: 'Packets that an lcore takes from a queue at once.',
      unit: 'packets',
    }),
    memory: z
      .strictObject({
        mib: z
          .union([auto, z.int().min(16).max(1_048_576)])
          .default('auto')
          .meta({
            description: 'Memory that EAL reserves at start. `auto`: what the mbufs need and a quarter more.',
            unit: 'MiB',
          }),
        pageSize: z
          .enum(['auto', ...hugepageSizes, 'none'])
          .default('auto')
          .meta({
            description: 'Hugepages to use. `auto`: 2Mi when enough are free, then other sizes, then none.',
          }),
        mbufs: z
          .union([auto, z.int().min(512).max(16_777_215)])
          .default('auto')
          .meta({
            description: 'Mbufs in the mempool of a NUMA node. `auto`: for every descriptor, ring, cache and burst.',
            unit: 'mbufs',
          }),
        mbufCache: z
          .int()
          .min(0)
          .max(512)
          .default(512)
          .meta({
            description:
              "Mbufs that each lcore keeps at hand. 512 is DPDK's maximum and the fastest size measured (DPDK's own " +
              'examples use 250 and pay for trips to the shared ring).',
            unit: 'mbufs',
          }),
      })
      .prefault({})
      .meta({ description: 'Memory of the data plane, reserved at start.' }),
    ports: z.array(portSchema).max(16).default([]).meta({
      expected: 'a list of at most 16 ports',
      description: 'The ports. None listed: one per PCI address that the device plugin gave.',
    }),
    forwarding: z
      .strictObject({
        mode: z
          .enum(['auto', ...forwardingModes])
          .default('auto')
          .meta({
            description:
              "What happens to packets that no rule sends elsewhere; testpmd's names. " +
              '`auto`: `mac` between two ports that both have an `ethPeer`, else `rxonly` (count and free).',
          }),
        pairs: z
          .array(z.tuple([portName, portName]))
          .max(16)
          .default([])
          .meta({
            description: 'Ports that forward to each other. None listed: first and second, third and fourth, …',
            expected: 'a list of pairs of port names such as [[vf0, vf1]]',
          }),
        ethPeer: z.record(portName, macAddress).default({}).meta({
          description: 'Per port, the destination MAC address that mode `mac` writes into packets that leave by it.',
          expected: 'port names with MAC addresses, such as { vf0: "50:00:00:00:00:01" }',
        }),
      })
      .prefault({})
      .meta({ description: 'The fast path.' }),
    rules: ruleListSchema.default([]).meta({
      expected: 'a list of at most 256 rules',
      description: 'Asked in this order before the built-in rules; the first that matches decides.',
    }),
    exceptionPath: z
      .strictObject({
        builtins: z.boolean().default(true).meta({
          description:
            'The built-in rules `arp`, `ipv6-nd`, `lldp`, `slow-protocols` and `local` (addresses of the tap), to the kernel.',
        }),
        builtinLimit: z
          .strictObject({
            pps: limitSchema.shape.pps.default(20_000).meta({ description: 'Packets a second.', unit: 'packets/s' }),
            burst: limitSchema.shape.burst
              .default(2048)
              .meta({ description: 'Packets that may pass at once.', unit: 'packets' }),
          })
          .nullable()
          .prefault({})
          .meta({
            description:
              'What each of `arp`, `ipv6-nd`, `lldp` and `slow-protocols` may pass: a flood of one is no flood of control ' +
              'packets, which would leave nothing for the others. `null`: no limit.',
          }),
        default: z.enum(['forward', 'kernel', 'drop']).default('forward').meta({
          description: 'Where a packet goes that no rule matches.',
        }),
        fragments: z.enum(['rules', 'kernel', 'forward', 'drop']).default('rules').meta({
          description:
            'Where IP fragments after the first go; they carry no ports. `rules`: the rules decide like for any packet.',
        }),
        limit: z
          .strictObject({
            pps: limitSchema.shape.pps.default(200_000).meta({ description: 'Packets a second.', unit: 'packets/s' }),
            burst: limitSchema.shape.burst
              .default(8192)
              .meta({ description: 'Packets that may pass at once.', unit: 'packets' }),
          })
          .nullable()
          .prefault({})
          .meta({ description: 'What may pass to the kernel in total. `null`: no limit.' }),
      })
      .prefault({})
      .meta({ description: 'The way of packets to the kernel, for all ports together.' }),
    podInfo: z
      .strictObject({
        folder: z
          .string()
          .regex(/^\/[\x21-\x7e]{0,254}$/)
          .default('/etc/podnetinfo')
          .meta({
            description: 'Where the downward API is mounted; the network resources injector does it.',
            expected: 'an absolute path',
          }),
        waitMs: z.int().min(0).max(600_000).default(10_000).meta({
          description:
            'How long to wait for the annotation network-status, which comes after the start; only when it decides something.',
          unit: 'ms',
        }),
      })
      .prefault({})
      .meta({ description: 'What Kubernetes tells the pod about its networks.' }),
    http: z
      .strictObject({
        listen: z
          .string()
          .refine((text) => parseListen(text) !== undefined)
          .default('[::]:9464')
          .meta({
            description: 'Metrics, health and status. `[::]` serves IPv4 too.',
            expected: 'host:port, [v6 address]:port, fd:N with N from 3 (an inherited socket) or unix:/path',
          }),
      })
      .prefault({})
      .meta({ description: 'The HTTP server.' }),
    control: z
      .strictObject({
        path: z
          .string()
          .refine((text) => text === 'auto' || text === 'off' || isSocketPath(text))
          .default('auto')
          .meta({
            description:
              'The unix socket (mode 0600) for what changes the instance: rules, captures. `auto`: `control.sock` in a ' +
              "folder of this user's below RUNTIME_DIRECTORY; `off`: none.",
            expected: 'auto, off or an absolute path of at most 107 bytes',
          }),
      })
      .prefault({})
      .meta({ description: 'The control socket.' }),
    restart: z
      .strictObject({
        maxFailures: z.int().min(1).max(1000).default(5).meta({
          description: 'Deaths of the worker in a row after which Spillway gives up with exit code 75.',
        }),
        healthyAfterMs: z.int().min(100).max(3_600_000).default(10_000).meta({
          description: 'A worker that ran this long ends the row.',
          unit: 'ms',
        }),
        backoffInitialMs: z.int().min(0).max(600_000).default(50).meta({
          description: 'Pause before the first restart; it doubles with each death in the row.',
          unit: 'ms',
        }),
        backoffMaxMs: z.int().min(0).max(600_000).default(10_000).meta({
          description: 'The longest pause.',
          unit: 'ms',
        }),
      })
      .prefault({})
      .meta({ description: 'What happens when the worker dies.' }),
    watchdog: z
      .strictObject({
        stallMs: z
          .union([z.literal(0), z.int().min(100).max(600_000)])
          .default(2000)
          .meta({
            description: 'An lcore that stands still this long gets its worker restarted. 0: no watchdog.',
            unit: 'ms',
          }),
      })
      .prefault({})
      .meta({ description: 'Watches the lcores.' }),
    log: z
      .strictObject({
        level: z.enum(logLevels).default('info').meta({ description: 'The least important line that is written.' }),
        format: z.enum(logFormats).default('auto').meta({
          description: '`auto`: for people when stderr is a terminal, JSON lines otherwise.',
        }),
      })
      .prefault({})
      .meta({ description: 'Log lines go to stderr.' }),
  })
  .meta({ title: 'Spillway configuration' })

type ParsedConfig = z.output<typeof configSchema>

/** The effective configuration: defaults filled in, every port with its name. */
export type Config = Omit<ParsedConfig, 'ports'> & { ports: (ParsedConfig['ports'][number] & { name: string })[] }
export type PortConfig = Config['ports'][number]
export type ExceptionConfig = PortConfig['exception']
