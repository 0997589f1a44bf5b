// client-go in protobuf, and controller-runtime: what most of Kubernetes' ecosystem stands on. KUBECONFIG names the cluster; the first argument a namespace in which a
// pod `web` runs, the second an image with a shell. Prints a line for each thing that works and ends with 1 at the first that does not.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/remotecommand"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	crcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "fault: %v\n", err)
		os.Exit(1)
	}
}

func expect(what string, holds bool) {
	if !holds {
		check(fmt.Errorf("%s: it is not so", what))
	}
	fmt.Println("ok", what)
}

func main() {
	log.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	namespace, image := os.Args[1], os.Args[2]
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	config := must(clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")))
	protobuf := rest.CopyConfig(config)
	protobuf.ContentType = "application/vnd.kubernetes.protobuf"
	protobuf.AcceptContentTypes = "application/vnd.kubernetes.protobuf"
	clientset := must(kubernetes.NewForConfig(protobuf))

	writes(ctx, clientset, namespace, image)
	reads(ctx, clientset, namespace)
	leads(ctx, clientset, namespace)
	executes(ctx, config, clientset, namespace)
	reconciles(ctx, config, namespace)
}

func deployment(image string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": "go"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "go", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}},
		},
	}
}

func writes(ctx context.Context, clientset kubernetes.Interface, namespace, image string) {
	api := clientset.AppsV1().Deployments(namespace)
	made := must(api.Create(ctx, deployment(image, 1), metav1.CreateOptions{}))
	expect("create in protobuf", made.UID != "" && made.Generation == 1 && *made.Spec.RevisionHistoryLimit == 10)
	_, err := api.Create(ctx, deployment(image, 1), metav1.CreateOptions{})
	expect("create what is there", apierrors.IsAlreadyExists(err))
	check(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current := must(api.Get(ctx, "go", metav1.GetOptions{}))
		two := int32(2)
		current.Spec.Replicas = &two
		_, err := api.Update(ctx, current, metav1.UpdateOptions{})
		return err
	}))
	expect("update in protobuf", *must(api.Get(ctx, "go", metav1.GetOptions{})).Spec.Replicas == 2)
	stale := made.DeepCopy()
	_, err = api.Update(ctx, stale, metav1.UpdateOptions{})
	expect("update of an old state", apierrors.IsConflict(err))
	patched := must(api.Patch(ctx, "go", types.StrategicMergePatchType, []byte(`{"metadata":{"annotations":{"by":"go"}}}`), metav1.PatchOptions{}))
	expect("strategic merge patch", patched.Annotations["by"] == "go")
	applied := must(api.Apply(ctx, appsac.Deployment("go", namespace).WithSpec(appsac.DeploymentSpec().WithReplicas(1)), metav1.ApplyOptions{FieldManager: "go-apply", Force: true}))
	expect("server-side apply", *applied.Spec.Replicas == 1)
	_, err = api.Apply(ctx, appsac.Deployment("go", namespace).WithSpec(appsac.DeploymentSpec().WithReplicas(3)), metav1.ApplyOptions{FieldManager: "go-other"})
	expect("conflict of appliers", apierrors.IsConflict(err))
	scale := must(api.GetScale(ctx, "go", metav1.GetOptions{}))
	expect("scale", scale.Spec.Replicas == 1)
}

func reads(ctx context.Context, clientset kubernetes.Interface, namespace string) {
	pods := clientset.CoreV1().Pods(namespace)
	list := must(pods.List(ctx, metav1.ListOptions{LabelSelector: "app=go", Limit: 1}))
	expect("list in protobuf", list.ResourceVersion != "")
	selection := func(options *metav1.ListOptions) { options.LabelSelector = "app=go" }
	lister := cache.NewFilteredListWatchFromClient(clientset.CoreV1().RESTClient(), "pods", namespace, selection)
	_, err := watchtools.UntilWithSync(ctx, lister, &corev1.Pod{}, nil, func(event watch.Event) (bool, error) {
		return event.Object.(*corev1.Pod).Status.Phase == corev1.PodRunning, nil
	})
	check(err)
	expect("watch in protobuf until the pod runs", true)
	factory := informers.NewSharedInformerFactoryWithOptions(clientset, 0, informers.WithNamespace(namespace))
	seen := make(chan string, 10)
	informer := factory.Core().V1().ConfigMaps().Informer()
	told := func(verb string, object any) {
		if configMap, ok := object.(*corev1.ConfigMap); ok && configMap.Name == "go-informed" {
			seen <- verb
		}
	}
	must(informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { told("add", object) }, UpdateFunc: func(_, object any) { told("update", object) }, DeleteFunc: func(object any) { told("delete", object) },
	}))
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	configMaps := clientset.CoreV1().ConfigMaps(namespace)
	made := must(configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "go-informed"}}, metav1.CreateOptions{}))
	made.Data = map[string]string{"x": "1"}
	must(configMaps.Update(ctx, made, metav1.UpdateOptions{}))
	check(configMaps.Delete(ctx, made.Name, metav1.DeleteOptions{}))
	for _, verb := range []string{"add", "update", "delete"} {
		select {
		case told := <-seen:
			expect("informer: "+verb, told == verb)
		case <-time.After(20 * time.Second):
			check(fmt.Errorf("the informer does not tell of %s", verb))
		}
	}
}

func leads(ctx context.Context, clientset kubernetes.Interface, namespace string) {
	ctx, stop := context.WithCancel(ctx)
	lock := &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: "go-leader", Namespace: namespace}, Client: clientset.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: "go"}}
	led := false
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: 6 * time.Second, RenewDeadline: 4 * time.Second, RetryPeriod: 200 * time.Millisecond, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { led = true; stop() }, OnStoppedLeading: func() {}},
	})
	expect("leader election", led)
}

func executes(ctx context.Context, config *rest.Config, clientset kubernetes.Interface, namespace string) {
	request := clientset.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("web").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: []string{"cat"}, Stdin: true, Stdout: true}, scheme.ParameterCodec)
	for name, executor := range map[string]remotecommand.Executor{
		"exec over WebSocket": must(remotecommand.NewWebSocketExecutor(config, "GET", request.URL().String())),
		"exec over SPDY":      must(remotecommand.NewSPDYExecutor(config, "POST", request.URL())),
	} {
		var output bytes.Buffer
		check(executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: bytes.NewBufferString("hello"), Stdout: &output}))
		expect(name, output.String() == "hello")
	}
}

// A controller as Kubebuilder makes them: it gives each labelled ConfigMap a copy that it owns.
type copier struct {
	client.Client
}

func (c *copier) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var original corev1.ConfigMap
	if err := c.Get(ctx, request.NamespacedName, &original); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if original.Labels["copy"] != "wanted" {
		return ctrl.Result{}, nil
	}
	copied := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: original.Name + "-copy", Namespace: original.Namespace}}
	_, err := controllerutil.CreateOrUpdate(ctx, c.Client, copied, func() error {
		copied.Data = original.Data
		return controllerutil.SetControllerReference(&original, copied, c.Client.Scheme())
	})
	return ctrl.Result{}, err
}

func reconciles(ctx context.Context, config *rest.Config, namespace string) {
	ctx, stop := context.WithCancel(ctx)
	manager := must(ctrl.NewManager(config, ctrl.Options{
		LeaderElection: true, LeaderElectionID: "go-manager", LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true,
		Metrics: server.Options{BindAddress: "0"}, Cache: crcache.Options{DefaultNamespaces: map[string]crcache.Config{namespace: {}}},
	}))
	check(ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).Owns(&corev1.ConfigMap{}).Complete(&copier{Client: manager.GetClient()}))
	ended := make(chan error)
	go func() { ended <- manager.Start(ctx) }()
	direct := must(client.New(config, client.Options{}))
	original := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "go-original", Namespace: namespace, Labels: map[string]string{"copy": "wanted"}}, Data: map[string]string{"x": "1"}}
	check(direct.Create(ctx, original))
	copied := &corev1.ConfigMap{}
	wait := func(what string, holds func() bool) {
		for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				check(fmt.Errorf("%s: not within 30 s", what))
			}
		}
		expect(what, true)
	}
	key := client.ObjectKey{Namespace: namespace, Name: "go-original-copy"}
	wait("controller-runtime makes what it should", func() bool { return direct.Get(ctx, key, copied) == nil && metav1.IsControlledBy(copied, original) })
	check(direct.Delete(ctx, copied))
	wait("controller-runtime makes again what went", func() bool {
		again := &corev1.ConfigMap{}
		return direct.Get(ctx, key, again) == nil && again.UID != copied.UID
	})
	check(direct.Delete(ctx, original))
	wait("what it owned is collected", func() bool { return apierrors.IsNotFound(direct.Get(ctx, key, copied)) })
	stop()
	check(<-ended)
}
