/** Whether a text may be a variable's name, as kubectl has it (the server is milder); undefined: it may. Upstream: apimachinery util/validation, IsEnvVarName. */
export function envNameFault(name: string): string | undefined {
  return /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) ? undefined : `"${name}" is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name', or 'MY_ENV.NAME', or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')`;
}

/** Of keys of config maps and secrets. Upstream: IsConfigMapKey. */
export function dataKeyFault(key: string): string | undefined {
  return /^[-._a-zA-Z0-9]+$/.test(key) ? undefined : `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', or 'KEY_NAME', or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`;
}

/** Of values of labels. Upstream: IsValidLabelValue. */
export function labelValueFault(value: string): string | undefined {
  return value.length <= 63 && /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value) ? undefined : `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`;
}
