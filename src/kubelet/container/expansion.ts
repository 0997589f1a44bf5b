/**
 * Replaces `$(NAME)` by the variable's value; `$$` stands for one `$`, and what names no variable stays as it is.
 * Upstream: third_party/forked/golang/expansion.
 *
 *     expand('$(A)-$$(A)-$(B)', { A: '1' })   →   '1-$(A)-$(B)'
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\)?)/g, (whole, inner: string, name: string | undefined) => {
    if (inner === '$') return '$';
    if (!whole.endsWith(')') || name === undefined) return whole;
    return Object.hasOwn(variables, name) ? variables[name]! : whole;
  });
}
