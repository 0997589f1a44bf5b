import { describe, expect, it } from 'vitest';
import { compileGoTemplate } from './go-template.ts';

const data = {
  kind: 'List', n: 3, on: true, off: false, empty: '', password: 'aHVudGVyMg==', labels: { b: '2', a: '1' },
  items: [{ name: 'x', ports: [80, 443], ready: true }, { name: 'y', ports: [], ready: false }],
};
const run = (source: string, allowMissingKeys = true): string => compileGoTemplate(source, { allowMissingKeys })(data);

describe('a Go template', () => {
  it.each([
    ['{{.kind}}', 'List'],
    ['{{ .missing }}', '<no value>'],
    ['{{range .items}}{{.name}} {{end}}', 'x y '],
    ['{{range $i, $e := .items}}{{$i}}={{$e.name}};{{end}}', '0=x;1=y;'],
    ['{{range $k, $v := .labels}}{{$k}}{{$v}}{{end}}', 'a1b2'],
    ['{{range .items}}{{.name}}:{{range .ports}}{{.}},{{else}}none{{end}};{{end}}', 'x:80,443,;y:none;'],
    ['{{range .items}}{{$.kind}}{{end}}', 'ListList'],
    ['{{if .on}}yes{{else}}no{{end}}', 'yes'],
    ['{{if .off}}a{{else if .empty}}b{{else}}c{{end}}', 'c'],
    ['{{if and .on (gt .n 2)}}both{{end}}', 'both'],
    ['{{if or .off .empty}}one{{else}}none{{end}}', 'none'],
    ['{{if not .off}}not{{end}}', 'not'],
    ['{{if eq .kind "Pod" "List"}}eq{{end}}{{if ne .n 3}}ne{{end}}{{if lt .n 4}}lt{{end}}{{if ge .n 3}}ge{{end}}', 'eqltge'],
    ['{{with .labels}}{{.a}}{{end}}{{with .missing}}x{{else}}without{{end}}', '1without'],
    ['{{len .items}} {{len .kind}} {{len .labels}}', '2 4 2'],
    ['{{index .labels "b"}} {{(index .items 1).name}} {{index .items 0 "ports" 1}}', '2 y 443'],
    ['{{printf "%s has %d of %q%%" .kind .n "z"}}', 'List has 3 of "z"%'],
    ['{{printf "%-5s|%05d|%.2f|%v" "ab" 42 1.5 .items}}', 'ab   |00042|1.50|[map[name:x ports:[80 443] ready:true] map[name:y ports:[] ready:false]]'],
    ['{{.password | base64decode}}', 'hunter2'],
    ['{{.password | base64decode | printf "%s!"}}', 'hunter2!'],
    ['{{$x := 1}}{{range .items}}{{$x = len .ports}}{{end}}{{$x}}', '0'],
    ['a  {{- " b " -}}  c', 'a b c'],
    ['{{/* a comment */}}x{{- /* another */ -}} y', 'xy'],
    ['{{"tab\\t"}}{{`raw\\n`}}{{println "a" 1}}', 'tab\traw\\na 1\n'],
    ['{{.labels}} {{.on}} {{.items}}', 'map[a:1 b:2] true [map[name:x ports:[80 443] ready:true] map[name:y ports:[] ready:false]]'],
    ['{{define "one"}}<{{.name}}>{{end}}{{range .items}}{{template "one" .}}{{end}}', '<x><y>'],
    ['{{range .items}}{{if eq .name "x"}}{{continue}}{{end}}{{.name}}{{end}}{{range .items}}{{.name}}{{break}}{{end}}', 'yx'],
    ['{{html "<a>"}}', '&lt;a&gt;'],
  ])('%s → %s', (source, expected) => expect(run(source)).toBe(expected));

  it.each([
    ['{{', 'unclosed action'], ['{{if .on}}', 'unexpected EOF'], ['{{end}}', 'unexpected {{end}}'], ['{{nosuch 1}}', 'function "nosuch" not defined'], ['{{$y}}', 'undefined variable "$y"'],
    ['{{index .items 9}}', 'index out of range: 9'], ['{{.kind.x}}', "can't evaluate field x"], ['{{}}', 'missing value for command'],
  ])('%s fails: %s', (source, message) => expect(() => run(source)).toThrow(message));

  it('tells of missing keys where they are not allowed', () => expect(() => run('{{.missing}}', false)).toThrow('map has no entry for key "missing"'));
});
