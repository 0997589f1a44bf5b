/** Whether an image is named without tag and digest, or with the tag `latest`: then it is pulled every time by default. Upstream: parsers.ParseImageName. */
export function isLatestImage(image: string): boolean {
  if (image.includes('@')) return false;
  const last = image.slice(image.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 || last.slice(colon + 1) === 'latest';
}
