//! kube-rs. KUBECONFIG names the cluster; the first argument a namespace in which a pod `web` runs, the second an image with a shell.
//! Prints a line for each thing that works and ends with 1 at the first that does not.
use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{
    apps::v1::Deployment,
    coordination::v1::Lease,
    core::v1::{ConfigMap, Pod},
};
use kube::{
    Api, Client, Error, ResourceExt,
    api::{AttachParams, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    runtime::{Controller, controller::Action, reflector::{self, ObjectRef}, watcher, WatchStreamExt},
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Fault = Box<dyn std::error::Error>;

fn expect(what: &str, holds: bool) -> Result<(), Fault> {
    if !holds {
        return Err(format!("{what}: it is not so").into());
    }
    println!("ok {what}");
    Ok(())
}

fn code<T>(result: kube::Result<T>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(Error::Api(status)) => status.code,
        Err(_) => 0,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().collect();
    let (namespace, image) = (&arguments[1], &arguments[2]);
    let client = Client::try_default().await?;
    tokio::time::timeout(Duration::from_secs(90), async {
        writes(&client, namespace, image).await?;
        reads(&client, namespace).await?;
        leads(&client, namespace).await?;
        executes(&client, namespace).await?;
        reconciles(&client, namespace).await
    })
    .await?
}

async fn writes(client: &Client, namespace: &str, image: &str) -> Result<(), Fault> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let body = |replicas: i32| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "rust" },
            "spec": { "replicas": replicas, "selector": { "matchLabels": { "app": "rust" } }, "template": {
                "metadata": { "labels": { "app": "rust" } }, "spec": { "containers": [{ "name": "main", "image": image }] } } }
        })
    };
    let made = api.create(&PostParams::default(), &serde_json::from_value(body(1))?).await?;
    expect("create", made.uid().is_some() && made.spec.as_ref().and_then(|spec| spec.revision_history_limit) == Some(10))?;
    expect("create what is there", code(api.create(&PostParams::default(), &serde_json::from_value(body(1))?).await) == 409)?;
    loop {
        let mut current = api.get("rust").await?;
        current.spec.as_mut().unwrap().replicas = Some(2);
        match code(api.replace("rust", &PostParams::default(), &current).await) {
            200 => break,
            409 => continue,
            other => return Err(format!("update: {other}").into()),
        }
    }
    expect("update", true)?;
    expect("update of an old state", code(api.replace("rust", &PostParams::default(), &made).await) == 409)?;
    let patched = api.patch("rust", &PatchParams::default(), &Patch::Merge(json!({ "metadata": { "annotations": { "by": "rust" } } }))).await?;
    expect("merge patch", patched.annotations().get("by").is_some_and(|by| by == "rust"))?;
    let applied = api.patch("rust", &PatchParams::apply("rust").force(), &Patch::Apply(body(1))).await?;
    expect("server-side apply", applied.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some("rust") && entry.operation.as_deref() == Some("Apply")))?;
    expect("conflict of appliers", code(api.patch("rust", &PatchParams::apply("other"), &Patch::Apply(body(3))).await) == 409)?;
    expect("scale", api.get_scale("rust").await?.spec.and_then(|spec| spec.replicas) == Some(1))
}

async fn reads(client: &Client, namespace: &str) -> Result<(), Fault> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    expect("list", pods.list(&ListParams::default().labels("app=rust")).await?.metadata.resource_version.is_some())?;
    // The watcher asks for a streaming list where it can.
    let config = watcher::Config::default().labels("app=rust").streaming_lists();
    let mut stream = watcher(pods.clone(), config).applied_objects().boxed();
    while let Some(pod) = stream.try_next().await? {
        if pod.status.and_then(|status| status.phase).as_deref() == Some("Running") {
            break;
        }
    }
    expect("watcher until the pod runs", true)?;
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let version = config_maps.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
    let mut events = config_maps.watch(&WatchParams::default().fields("metadata.name=watched"), &version).await?.boxed();
    config_maps.create(&PostParams::default(), &serde_json::from_value(json!({ "metadata": { "name": "watched" } }))?).await?;
    config_maps.delete("watched", &DeleteParams::default()).await?;
    let mut seen = vec![];
    while seen.len() < 2 {
        match events.try_next().await? {
            Some(WatchEvent::Added(_)) => seen.push("added"),
            Some(WatchEvent::Deleted(_)) => seen.push("deleted"),
            Some(WatchEvent::Bookmark(_)) => {}
            other => return Err(format!("watch: {other:?}").into()),
        }
    }
    expect("watch", seen == ["added", "deleted"])?;
    let (reader, writer) = reflector::store();
    let mut reflected = reflector::reflector(writer, watcher(pods, watcher::Config::default())).applied_objects().boxed();
    let follow = async { while reflected.next().await.is_some() {} };
    tokio::select! {
        () = follow => {}
        ready = reader.wait_until_ready() => ready?,
    }
    expect("reflector", reader.get(&ObjectRef::new("web").within(namespace)).is_some())
}

/// The library has no leader election: what those that are built on it do.
async fn leads(client: &Client, namespace: &str) -> Result<(), Fault> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let lease = |holder: &str| Patch::Apply(json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "rust-leader" }, "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000001Z" } }));
    leases.patch("rust-leader", &PatchParams::apply("one"), &lease("one")).await?;
    expect("leader election: the second does not lead", code(leases.patch("rust-leader", &PatchParams::apply("two"), &lease("two")).await) == 409)?;
    leases.patch("rust-leader", &PatchParams::apply("two").force(), &lease("two")).await?;
    expect("leader election: it takes over", leases.get("rust-leader").await?.spec.and_then(|spec| spec.holder_identity).as_deref() == Some("two"))
}

async fn executes(client: &Client, namespace: &str) -> Result<(), Fault> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut process = pods.exec("web", ["sh", "-c", "read line; echo $line"], &AttachParams::default().stdin(true)).await?;
    process.stdin().unwrap().write_all(b"hello\n").await?;
    let mut output = String::new();
    process.stdout().unwrap().read_to_string(&mut output).await?;
    let status = process.take_status().unwrap().await;
    process.join().await?;
    expect("exec", output == "hello\n" && status.and_then(|status| status.status).as_deref() == Some("Success"))?;
    pods.logs("web", &LogParams::default()).await?;
    expect("log", true)
}

/// A controller that gives each labelled config map a copy.
async fn reconciles(client: &Client, namespace: &str) -> Result<(), Fault> {
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let reconcile = |original: Arc<ConfigMap>, api: Arc<Api<ConfigMap>>| async move {
        let name = format!("{}-copy", original.name_any());
        let copy = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": original.data });
        api.patch(&name, &PatchParams::apply("copier").force(), &Patch::Apply(copy)).await?;
        Ok::<_, Error>(Action::await_change())
    };
    let controller = Controller::new(config_maps.clone(), watcher::Config::default().labels("copy=wanted"))
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(1)), Arc::new(config_maps.clone()))
        .for_each(|_| futures::future::ready(()));
    let work = async {
        config_maps.create(&PostParams::default(), &serde_json::from_value(json!({ "metadata": { "name": "rust", "labels": { "copy": "wanted" } }, "data": { "x": "1" } }))?).await?;
        loop {
            match config_maps.get_opt("rust-copy").await? {
                Some(copy) => return expect("controller", copy.data.is_some_and(|data| data["x"] == "1")),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::select! {
        () = controller => Err("the controller ended".into()),
        result = work => result,
    }
}
