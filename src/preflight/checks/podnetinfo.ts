import { listNames } from '../../plan/devices.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'podnetinfo-absent': {
    levels: ['note'],
    meaning: 'no /etc/podnetinfo: MACs, addresses and device-info of the networks are not known',
    remedyIn: 'pod spec (downward API volume) or SriovOperatorConfig (enableInjector)',
  },
  'network-status-late': {
    levels: ['warning'],
    meaning: '/etc/podnetinfo is there, but network-status is not (yet)',
    remedyIn: 'Spillway (podInfo.waitMs)',
  },
  'podnetinfo-malformed': {
    levels: ['warning'],
    meaning: 'something in the annotations cannot be read',
    remedyIn: 'pod spec (annotations)',
  },
  'podnetinfo-ok': { levels: ['ok'], meaning: 'network-status was read, or this is no pod', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const volume =
  'pod spec: volumes: [{name: podinfo, downwardAPI: {items: [{path: annotations, fieldRef: {fieldPath: metadata.annotations}}]}}], volumeMounts: [{name: podinfo, mountPath: /etc/podnetinfo}]'

export const podnetinfoCheck = {
  name: 'podnetinfo',
  title: 'Does the pod know its networks?',
  codes,
  run(input) {
    const found = [...absent(input), ...late(input), ...malformed(input)]
    if (found.length > 0) return found
    const { kubernetes, status } = input.environment.pod
    const names = (status ?? []).map(({ network, netdev }) => `${network}${netdev === null ? '' : ` as ${netdev}`}`)
    const words = {
      subject: '/etc/podnetinfo',
      needed: 'network-status',
      found: kubernetes ? listNames(names) : 'this is no Kubernetes pod',
    }
    return [finding('podnetinfo-ok', words)]
  },
} satisfies Check

function absent({ environment }: CheckInput): Finding[] {
  const { kubernetes, podnetinfo } = environment.pod
  if (!kubernetes || podnetinfo) return []
  return [
    finding('podnetinfo-absent', {
      subject: '/etc/podnetinfo',
      needed: 'the annotations of the pod, for MACs, addresses and the PCI address of each network',
      found: 'no such folder',
      cause: 'the network resources injector is off, or no network of the pod has a resourceName',
      remedy: `SriovOperatorConfig: spec.enableInjector: true; or ${volume}`,
    }),
  ]
}

function late({ environment }: CheckInput): Finding[] {
  const { podnetinfo, status, requested } = environment.pod
  if (!podnetinfo || status !== null) return []
  return [
    finding('network-status-late', {
      subject: 'k8s.v1.cni.cncf.io/network-status',
      needed: 'what Multus made of the networks that the pod asks for',
      found:
        requested === null
          ? 'neither the request nor the status in /etc/podnetinfo/annotations'
          : `the request (${listNames(requested.map(({ network }) => network))}), not the status`,
      cause: 'the kubelet refreshes the file late, up to a minute after the start; or no Multus runs on this node',
      remedy:
        'Spillway: a larger podInfo.waitMs; look for the annotation: kubectl get pod -o jsonpath={.metadata.annotations}',
    }),
  ]
}

function malformed({ environment }: CheckInput): Finding[] {
  const { problems } = environment.pod
  if (problems.length === 0) return []
  return [
    finding('podnetinfo-malformed', {
      subject: '/etc/podnetinfo/annotations',
      needed: 'annotations as Kubernetes and Multus write them',
      found: problems.slice(0, 3).join(' | '),
      cause: 'written by hand, or by a version of Multus that Spillway does not know',
      remedy: 'pod spec: mend the annotation; Spillway goes on without what it could not read',
    }),
  ]
}
