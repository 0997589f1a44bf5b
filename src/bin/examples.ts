/** Examples of each verb of wherry for its `--help`: what one wants, and the command that does it. */
export const examples: Readonly<Record<string, readonly (readonly [purpose: string, command: string])[]>> = {
  addons: [['which there are', 'wherry addons list'], ['addresses for services of type LoadBalancer, for good', 'wherry addons enable load-balancer'], ['Ingress objects and the Gateway API, served by HAProxy', 'wherry addons enable ingress']],
  dashboard: [['open it in the browser', 'wherry dashboard'], ['print the address only', 'wherry dashboard --url'], ['of another cluster of the kubeconfig', 'wherry dashboard --context staging']],
  delete: [['the cluster with all that belongs to it', 'wherry delete'], ['another one', 'wherry delete --profile lab']],
  image: [['an image that was built here, for all nodes', 'docker save shop:1 -o shop.tar && wherry image load shop.tar']],
  kubeconfig: [['use it with another program', 'wherry kubeconfig > lab.yaml && KUBECONFIG=lab.yaml helm list']],
  node: [['one more on this machine', 'wherry node add'], ['see them', 'wherry node list'], ['one less', 'wherry node delete wherry-2'], ['another machine: first here, then there what this prints', 'wherry node token']],
  'node add': [['one more', 'wherry node add']],
  'node delete': [['one less', 'wherry node delete wherry-2']],
  'node join': [
    ['as "wherry node token" on the first machine prints it', 'wherry node join https://192.168.50.1:6443 --token abcdef.0123456789abcdef --ca-cert-hash sha256:6e1c…'], ['under a name of its own', 'wherry node join … --name box'],
    ['encrypted between the machines', 'wherry node join … --backend wireguard'], ['after a reboot', 'wherry start'],
  ],
  'node leave': [['take this machine out of the cluster', 'wherry node leave']],
  'node list': [['see them', 'wherry node list']],
  'node token': [['the command for another machine', 'wherry node token'], ['good for half an hour', 'wherry node token --ttl 30m'], ['through ssh', 'ssh root@box "$(wherry node token)"']],
  start: [
    ['a cluster of one node', 'wherry start'], ['three nodes', 'wherry start --nodes 3'], ['a second cluster beside the first', 'wherry start --profile lab'], ['without root and containers, for tests of controllers', 'wherry start --runtime simulated'],
    ['images from a registry of your own', 'wherry start --registry-mirror docker.io=http://localhost:5000'], ['pods that reach nothing outside', 'wherry start --egress off'], ['take up again what was stopped', 'wherry start'], ['one that other machines can join', 'wherry start --listen-address 192.168.50.1'],
  ],
  status: [['does it run?', 'wherry status'], ['for a script', "wherry status -o json | jq -r '.nodes[].name'"]],
  stop: [['keep everything, but run nothing', 'wherry stop'], ['go on', 'wherry start']],
  tunnel: [['addresses for services of type LoadBalancer, until Ctrl-C', 'wherry tunnel']],
  version: [['which wherry, which Kubernetes', 'wherry version']],
  why: [['the way of a pod from your command to its containers', 'wherry why pod/web-1'], ['why does this service have no address?', 'wherry why svc/web'], ['as it happens', 'wherry why deployment/web -f'], ['for a program', 'wherry why pod/web-1 -o json']],
};
