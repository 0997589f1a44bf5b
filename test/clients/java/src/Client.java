import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfigBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * fabric8's client. KUBECONFIG names the cluster; the first argument a namespace in which a pod {@code web} runs, the second an image with a shell.
 * Prints a line for each thing that works and ends with 1 at the first that does not.
 */
public final class Client {
  private final KubernetesClient client;
  private final String namespace;
  private final String image;

  private Client(KubernetesClient client, String namespace, String image) {
    this.client = client;
    this.namespace = namespace;
    this.image = image;
  }

  public static void main(String[] arguments) {
    try (KubernetesClient client = new KubernetesClientBuilder().build()) {
      Client program = new Client(client, arguments[0], arguments[1]);
      program.writes();
      program.reads();
      program.leads();
      program.executes();
    } catch (Exception fault) {
      fault.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }

  private static void expect(String what, boolean holds) {
    if (!holds) {
      throw new IllegalStateException(what + ": it is not so");
    }
    System.out.println("ok " + what);
  }

  private static void until(String what, BooleanSupplier holds) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(what + ": not within 30 s");
      }
      Thread.sleep(50);
    }
    System.out.println("ok " + what);
  }

  private static int code(Runnable call) {
    try {
      call.run();
      return 200;
    } catch (KubernetesClientException fault) {
      return fault.getCode();
    }
  }

  private Deployment deployment(int replicas) {
    Map<String, String> labels = Map.of("app", "java");
    return new DeploymentBuilder()
        .withNewMetadata().withName("java").withNamespace(namespace).withLabels(labels).endMetadata()
        .withNewSpec().withReplicas(replicas).withNewSelector().withMatchLabels(labels).endSelector()
        .withNewTemplate().withNewMetadata().withLabels(labels).endMetadata()
        .withNewSpec().addNewContainer().withName("main").withImage(image).endContainer().endSpec().endTemplate().endSpec()
        .build();
  }

  private void writes() throws InterruptedException {
    Deployment made = client.resource(deployment(1)).create();
    expect("create", made.getMetadata().getUid() != null && made.getSpec().getRevisionHistoryLimit() == 10);
    expect("create what is there", code(() -> client.resource(deployment(1)).create()) == 409);
    var java = client.apps().deployments().inNamespace(namespace).withName("java");
    Deployment updated = java.edit(current -> new DeploymentBuilder(current).editSpec().withReplicas(2).endSpec().build());
    expect("edit", updated.getSpec().getReplicas() == 2);
    expect("update of an old state", code(() -> client.resource(made).lockResourceVersion(made.getMetadata().getResourceVersion()).update()) == 409);
    Deployment patched = java.patch(PatchContext.of(PatchType.STRATEGIC_MERGE), "{\"metadata\":{\"annotations\":{\"by\":\"java\"}}}");
    expect("strategic merge patch", Objects.equals(patched.getMetadata().getAnnotations().get("by"), "java"));
    Deployment applied = client.resource(deployment(1)).fieldManager("java").forceConflicts().serverSideApply();
    expect("server-side apply", applied.getMetadata().getManagedFields().stream().anyMatch(entry -> entry.getManager().equals("java") && entry.getOperation().equals("Apply")));
    java.scale(1);
    expect("list", client.apps().deployments().inNamespace(namespace).withLabel("app", "java").list().getItems().size() == 1);
    java.waitUntilReady(40, TimeUnit.SECONDS);
    expect("wait until the pods are ready", true);
  }

  private void reads() throws InterruptedException {
    List<String> informed = new CopyOnWriteArrayList<>();
    List<String> watched = new CopyOnWriteArrayList<>();
    SharedIndexInformer<ConfigMap> informer = client.configMaps().inNamespace(namespace).inform(new ResourceEventHandler<>() {
      @Override
      public void onAdd(ConfigMap object) {
        note("add", object);
      }

      @Override
      public void onUpdate(ConfigMap previous, ConfigMap object) {
        note("update", object);
      }

      @Override
      public void onDelete(ConfigMap object, boolean unknown) {
        note("delete", object);
      }

      private void note(String verb, ConfigMap object) {
        if (object.getMetadata().getName().equals("informed")) {
          informed.add(verb);
        }
      }
    });
    Watch watch = client.configMaps().inNamespace(namespace).withName("informed").watch(new Watcher<>() {
      @Override
      public void eventReceived(Action action, ConfigMap object) {
        watched.add(action.name());
      }

      @Override
      public void onClose(WatcherException cause) {
        // The end is asked for.
      }
    });
    ConfigMap object = new ConfigMapBuilder().withNewMetadata().withName("informed").withNamespace(namespace).endMetadata().build();
    ConfigMap made = client.resource(object).create();
    client.resource(new ConfigMapBuilder(made).addToData("x", "1").build()).update();
    client.resource(made).delete();
    until("informer", () -> informed.equals(List.of("add", "update", "delete")));
    until("watch over WebSocket", () -> watched.equals(List.of("ADDED", "MODIFIED", "DELETED")));
    informer.close();
    watch.close();
  }

  private void leads() throws Exception {
    CountDownLatch leading = new CountDownLatch(1);
    CompletableFuture<?> election = client.leaderElector().withConfig(new LeaderElectionConfigBuilder()
        .withName("java").withLock(new LeaseLock(namespace, "java-leader", "java")).withReleaseOnCancel(true)
        .withLeaseDuration(Duration.ofSeconds(6)).withRenewDeadline(Duration.ofSeconds(4)).withRetryPeriod(Duration.ofMillis(500))
        .withLeaderCallbacks(new LeaderCallbacks(leading::countDown, () -> { }, identity -> { })).build()).build().start();
    expect("leader election", leading.await(20, TimeUnit.SECONDS));
    election.cancel(true);
  }

  private void executes() throws Exception {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (ExecWatch exec = client.pods().inNamespace(namespace).withName("web").writingOutput(output).exec("sh", "-c", "echo hello; exit 3")) {
      expect("exit code of exec", exec.exitCode().get(20, TimeUnit.SECONDS) == 3);
    }
    expect("exec", output.toString().equals("hello\n"));
    expect("log", client.pods().inNamespace(namespace).withName("web").getLog() != null);
  }
}
