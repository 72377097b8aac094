/**
 * The resource of a device plugin's variable, as a pod spec writes it. The variable keeps neither case nor dots, so this
 * is what it most likely was: `PCIDEVICE_OPENSHIFT_IO_SRIOVNIC` is openshift.io/sriovnic.
 */
export function resourceOf(variable: string): string {
  const words = variable.replace(/^PCIDEVICE_/, '').toLowerCase()
  const [, prefix, name] = /^((?:[a-z0-9-]+_)+?(?:io|com|org|net|dev))_(.+)$/.exec(words) ?? []
  return prefix === undefined ? words : `${prefix.replaceAll('_', '.')}/${name}`
}

/** The part after the slash, which is resourceName in the SriovNetworkNodePolicy. */
export function resourceNameOf(variable: string): string {
  return resourceOf(variable).split('/').at(-1) ?? variable
}
