/** Attributes that hold a link, by tag. Upstream: apimachinery pkg/util/proxy/transport.go. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ['href'], applet: ['codebase'], area: ['href'], audio: ['src'], base: ['href'], blockquote: ['cite'], body: ['background'], button: ['formaction'],
  command: ['icon'], del: ['cite'], embed: ['src'], form: ['action'], frame: ['longdesc', 'src'], head: ['profile'], html: ['manifest'], iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'], input: ['src', 'usemap', 'formaction'], ins: ['cite'], link: ['href'], object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'], script: ['src'], source: ['src'], video: ['poster', 'src'],
};

const TAG = /<([a-zA-Z][a-zA-Z0-9]*)((?:\s+|\/|"[^"]*"|'[^']*'|[^"'<>])*)>/g;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'<>]+)/g;

/** Puts each link of a page through `rewrite`, so that a page seen through a proxy leads back through it. Comments and text stay as they are. */
export function rewriteLinks(html: string, rewrite: (link: string) => string): string {
  return html.replace(/<!--[\s\S]*?-->|<[a-zA-Z](?:"[^"]*"|'[^']*'|[^"'<>])*>/g, (tag) => (tag.startsWith('<!--') ? tag : tag.replace(TAG, (all, name: string, attributes: string) => {
    const links = LINKS[name.toLowerCase()];
    if (!links) return all;
    return `<${name}${attributes.replace(ATTRIBUTE, (attribute, key: string, equals: string, value: string) => {
      if (!links.includes(key.toLowerCase())) return attribute;
      const bare = /^["']/.test(value) ? value.slice(1, -1) : value;
      return `${key}${equals}"${rewrite(bare.replaceAll('&amp;', '&')).replaceAll('&', '&amp;').replaceAll('"', '&#34;')}"`;
    })}>`;
  })));
}
