"""The official Python client. KUBECONFIG names the cluster; the first argument a namespace in which a pod `web` runs, the second an image with a shell.
Prints a line for each thing that works and ends with 1 at the first that does not."""
import sys
import threading
import time
import uuid

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import stream

namespace, image = sys.argv[1], sys.argv[2]


def expect(what, holds):
    if not holds:
        sys.exit(f"fault: {what}: it is not so")
    print("ok", what, flush=True)


def until(what, holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"fault: {what}: not within {seconds} s")
        time.sleep(0.05)
    print("ok", what, flush=True)


def status_of(call):
    try:
        call()
        return 200
    except ApiException as fault:
        return fault.status


config.load_kube_config()
apps, core = client.AppsV1Api(), client.CoreV1Api()
labels = {"app": "python"}
body = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "python", "labels": labels},
    "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}},
}
made = apps.create_namespaced_deployment(namespace, body)
expect("create", made.metadata.uid and made.spec.revision_history_limit == 10)
expect("create what is there", status_of(lambda: apps.create_namespaced_deployment(namespace, body)) == 409)


def scale_up():
    current = apps.read_namespaced_deployment("python", namespace)
    current.spec.replicas = 2
    return status_of(lambda: apps.replace_namespaced_deployment("python", namespace, current)) == 200


until("update", scale_up)
expect("update of an old state", status_of(lambda: apps.replace_namespaced_deployment("python", namespace, made)) == 409)
patched = apps.patch_namespaced_deployment("python", namespace, {"metadata": {"annotations": {"by": "python"}}})
expect("strategic merge patch", patched.metadata.annotations["by"] == "python")
patched = apps.patch_namespaced_deployment("python", namespace, [{"op": "remove", "path": "/metadata/annotations/by"}])
expect("JSON patch", "by" not in (patched.metadata.annotations or {}))

dynamic_client = dynamic.DynamicClient(client.ApiClient())
deployments = dynamic_client.resources.get(api_version="apps/v1", kind="Deployment")
applied = deployments.server_side_apply(namespace=namespace, name="python", body={**body, "spec": {**body["spec"], "replicas": 1}}, field_manager="python", force_conflicts=True)
expect("server-side apply", any(entry.manager == "python" and entry.operation == "Apply" for entry in applied.metadata.managedFields))
expect("list", [item.metadata.name for item in apps.list_namespaced_deployment(namespace, label_selector="app=python").items] == ["python"])

running = False
for event in watch.Watch().stream(core.list_namespaced_pod, namespace, label_selector="app=python", timeout_seconds=30):
    if event["object"].status.phase == "Running":
        running = True
        break
expect("watch until the pod runs", running)

# The client has no informer: what it offers instead is a list, and watches that go on from its version.
version = core.list_namespaced_config_map(namespace).metadata.resource_version
seen = []


def follow():
    for told in watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version=version, field_selector="metadata.name=informed", timeout_seconds=30):
        seen.append(told["type"])
        if told["type"] == "DELETED":
            return


follower = threading.Thread(target=follow)
follower.start()
core.create_namespaced_config_map(namespace, {"metadata": {"name": "informed"}})
core.patch_namespaced_config_map("informed", namespace, {"data": {"x": "1"}})
core.delete_namespaced_config_map("informed", namespace)
follower.join(40)
expect("list and watch", seen == ["ADDED", "MODIFIED", "DELETED"])


class Led(Exception):
    """Thrown by whom is elected, for the library has no other end."""


def elected():
    raise Led()


def elect():
    lock = ConfigMapLock("python-leader", namespace, str(uuid.uuid4()))
    try:
        leaderelection.LeaderElection(electionconfig.Config(lock, lease_duration=10, renew_deadline=8, retry_period=1, onstarted_leading=lambda: leading.set(), onstopped_leading=None)).acquire()
        leading.set()
    except Led:
        leading.set()


leading = threading.Event()
threading.Thread(target=elect, daemon=True).start()
expect("leader election", leading.wait(20))

output = stream(core.connect_get_namespaced_pod_exec, "web", namespace, command=["sh", "-c", "echo hello; echo fault >&2"], stdout=True, stderr=True, stdin=False, tty=False)
expect("exec", sorted(output.split()) == ["fault", "hello"])
channel = stream(core.connect_get_namespaced_pod_exec, "web", namespace, command=["sh", "-c", "exit 3"], stdout=True, stderr=True, stdin=False, tty=False, _preload_content=False)
channel.run_forever(timeout=10)
expect("exit code of exec", channel.returncode == 3)
expect("log", isinstance(core.read_namespaced_pod_log("web", namespace), str))

custom = client.CustomObjectsApi()
client.ApiextensionsV1Api().create_custom_resource_definition({
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "pythons.clients.test"},
    "spec": {"group": "clients.test", "scope": "Namespaced", "names": {"plural": "pythons", "singular": "python", "kind": "Python"}, "versions": [
        {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {"length": {"type": "integer"}}}}}}}]},
})
monty = {"apiVersion": "clients.test/v1", "kind": "Python", "metadata": {"name": "monty"}, "spec": {"length": 3}}
until("create a custom resource", lambda: status_of(lambda: custom.create_namespaced_custom_object("clients.test", "v1", namespace, "pythons", monty)) == 200)
client.ApiextensionsV1Api().delete_custom_resource_definition("pythons.clients.test")
apps.delete_namespaced_deployment("python", namespace)
expect("delete", status_of(lambda: apps.read_namespaced_deployment("python", namespace)) == 404)
