const fullAddress = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/

/** Domain, bus, device and function in lower case; undefined when the text is no such address. */
export function readPciAddress(text: string): string | undefined {
  const address = text.trim().toLowerCase()
  return fullAddress.test(address) ? address : undefined
}
