/* Pods and settings that several kinds of causes begin with. */

export const vhost = '/dev/vhost-net'

export const wantVhost = { ports: '[{ exception: { backend: vhost-net } }]' }

export const wantTap = { ports: '[{ exception: { tap: ext0 } }]' }

/** Not in a pod. */
export const host = { pod: { kubernetes: false }, kernel: { containerRuntime: null } } as const
export const container = { pod: { kubernetes: false }, kernel: { containerRuntime: 'docker' } } as const
