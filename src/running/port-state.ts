import type { NeighbourLack, PortEvent, PortFilters, PortMtu, StartInfo } from '../ipc/messages.js'
import type { PlannedPort } from '../plan/types.js'

/** What a worker has told of one of its ports. */
export interface PortState {
  readonly planned: PlannedPort
  /** As it came up; null before. */
  readonly info: StartInfo['ports'][number] | null
  readonly filters: PortFilters | null
  readonly mtu: PortMtu | null
  /** Its device was taken away. */
  readonly removed: boolean
  /** Why nobody is at its vhost-user socket; null when somebody is, or nothing was told. */
  readonly missingNeighbour: NeighbourLack | null
}

export function initialState(planned: PlannedPort): PortState {
  return { planned, info: null, filters: null, mtu: null, removed: false, missingNeighbour: null }
}

/** The state after one event of this port; the same where the event says nothing about it. Pure. */
export function afterEvent(state: PortState, event: PortEvent): PortState {
  switch (event.kind) {
    case 'filters':
      return { ...state, filters: event }
    case 'mtu':
      return { ...state, mtu: event }
    case 'removed':
      return { ...state, removed: true }
    case 'returned':
      return { ...state, removed: false }
    case 'neighbour':
      return { ...state, missingNeighbour: event.why }
    default:
      return state
  }
}
