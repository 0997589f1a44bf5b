import type { CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../api/generated/autoscaling-v2.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { customResourceDefinitions, horizontalPodAutoscalers, pods as podResource } from '../../api/generated/resources.ts';
import { keyOf, type KubeObject } from '../../api/object.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { milliValue, quantityOf, quantityToNumber } from '../../api/quantity.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { parseSelector, type Selector } from '../../api/selector.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { withCondition } from '../conditions.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { storedResources, type StoredResource } from '../served-resources.ts';
import { without } from '../without.ts';
import { actionOf, AutoscalerMetrics } from './autoscaler-metrics.ts';
import { AutoscalingError, NoEvaluationError } from './autoscaling-error.ts';
import { goSelector } from '../go-selector.ts';
import { apiMetricsReader } from './metrics-reader.ts';
import { proposeReplicas, type Proposal, type Tolerance } from './replica-proposal.ts';
import { proposeForValue, type ValueProposal } from './value-proposal.ts';
import { limitScale, remembered, type ScalingMemory } from './scaling-limits.ts';

/** How often metrics are asked for, of each autoscaler there is. */
const PERIOD_MS = 15_000;
const TOLERANCE = 0.1;

interface Scale extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas: number; readonly selector?: string };
}

interface Target {
  readonly resource: StoredResource;
  readonly scale: Scale;
}

interface Evaluation {
  readonly replicas: number;
  /** Whose metric asks for the most. */
  readonly metric: string;
  readonly statuses: readonly MetricStatus[];
}

/** What one metric asks for. */
interface Evaluated {
  readonly name: string;
  readonly replicas: number;
  readonly status: MetricStatus;
}

/** Adds and removes replicas by what pods use. Upstream: pkg/controller/podautoscaler. */
export const horizontalPodAutoscalerController: Controller = {
  name: 'horizontal-pod-autoscaler',
  start(context) {
    const { client, clock, informers, recorder, options } = context;
    const autoscalers = informers.informer(horizontalPodAutoscalers);
    const pods = informers.informer(podResource);
    const definitions = informers.informer(customResourceDefinitions);
    const metrics = options.metrics ?? apiMetricsReader(client);
    const { customMetrics } = options;
    const memories = new Map<string, ScalingMemory>();
    /** By the keys of the autoscalers, as their targets had them last. */
    const selectors = new Map<string, Selector>();
    const measured = new AutoscalerMetrics(context.metrics);
    const seconds = (began: number): number => (clock.monotonic() - began) / 1000;

    async function reconcile(key: string): Promise<ReconcileResult> {
      const hpa = autoscalers.get(key);
      if (!hpa) {
        selectors.delete(key);
        return void memories.delete(key);
      }
      const began = clock.monotonic();
      const status = await scaled(key, hpa);
      const faulty = status.conditions?.some(({ type, status: value, reason }) => (type === 'AbleToScale' || type === 'ScalingActive') && value === 'False' && reason !== 'ScalingDisabled') ?? false;
      measured.reconciled(actionOf(status.currentReplicas ?? 0, status.desiredReplicas ?? 0), faulty ? 'internal' : 'none', seconds(began));
      if (!semanticEqual(hpa.status, status)) {
        try {
          await client.updateStatus(horizontalPodAutoscalers, { ...hpa, status });
        } catch (error) {
          recorder.event(hpa, 'Warning', 'FailedUpdateStatus', (error as Error).message);
          throw error;
        }
      }
      return { requeueAfterMs: PERIOD_MS };
    }

    /** Scales the target as it should be; answers what the status says afterwards. */
    async function scaled(key: string, hpa: HorizontalPodAutoscaler): Promise<HorizontalPodAutoscalerStatus> {
      const before: HorizontalPodAutoscalerStatus = { ...hpa.status, desiredReplicas: hpa.status?.desiredReplicas ?? 0 };
      let target: Target;
      try {
        target = await targetOf(hpa);
      } catch (error) {
        const { message } = error as Error;
        recorder.event(hpa, 'Warning', 'FailedGetScale', message);
        return set(before, 'AbleToScale', 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${message}`);
      }
      let status = set(before, 'AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
      const current = target.scale.spec?.replicas ?? 0;
      const { maxReplicas: max, minReplicas: min = 1, behavior } = hpa.spec!;
      const bounds = { min, max, ...(behavior && { behavior }) };
      const memory = memories.get(key) ?? { recommendations: [{ atMs: clock.now(), replicas: current }], events: [] };
      const counted = { ...without(status, 'currentMetrics'), currentReplicas: current };

      if (current === 0 && min !== 0) {
        return set({ ...counted, desiredReplicas: 0 }, 'ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero');
      }
      if (current > max) return await rescale(key, hpa, target, counted, memory, max, 'Current number of replicas above Spec.MaxReplicas');
      if (current < min) return await rescale(key, hpa, target, counted, memory, min, 'Current number of replicas below Spec.MinReplicas');

      let evaluation: Evaluation;
      try {
        evaluation = await evaluate(hpa, target.scale, current);
      } catch (error) {
        if (!(error instanceof NoEvaluationError)) throw error;
        recorder.event(hpa, 'Warning', 'FailedComputeMetricsReplicas', error.message);
        const { condition: { reason, message }, statuses } = error;
        return set({ ...counted, ...(statuses && { currentMetrics: statuses }) }, 'ScalingActive', 'False', reason, message);
      }
      status = set({ ...counted, currentMetrics: evaluation.statuses }, 'ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${evaluation.metric}`);
      const limited = limitScale(evaluation.replicas, current, bounds, memory, clock.now());
      const known = remembered({ ...memory, recommendations: [...memory.recommendations, { atMs: clock.now(), replicas: evaluation.replicas }] }, bounds, clock.now());
      memories.set(key, known);
      status = set(status, 'AbleToScale', 'True', limited.ableToScale.reason, limited.ableToScale.message);
      status = set(status, 'ScalingLimited', limited.scalingLimited.limited ? 'True' : 'False', limited.scalingLimited.reason, limited.scalingLimited.message);
      if (limited.replicas === current) return { ...status, desiredReplicas: current };
      return await rescale(key, hpa, target, status, known, limited.replicas, evaluation.replicas > current ? `${evaluation.metric} above target` : 'All metrics below target');
    }

    async function rescale(key: string, hpa: HorizontalPodAutoscaler, target: Target, status: HorizontalPodAutoscalerStatus, memory: ScalingMemory, replicas: number, why: string): Promise<HorizontalPodAutoscalerStatus> {
      const { resource, scale } = target;
      const current = scale.spec?.replicas ?? 0;
      try {
        await client.update<KubeObject>(resource, { ...scale, spec: { ...scale.spec, replicas } } as KubeObject, { subresource: 'scale' });
      } catch (error) {
        const { message } = error as Error;
        recorder.event(hpa, 'Warning', 'FailedRescale', `New size: ${replicas}; reason: ${why}; error: ${message}`);
        return set({ ...status, desiredReplicas: current }, 'AbleToScale', 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${message}`);
      }
      recorder.event(hpa, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${why}`);
      memories.set(key, { ...memory, events: [...memory.events, { atMs: clock.now(), change: replicas - current }] });
      const done = set(status, 'AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${replicas}`);
      return { ...done, desiredReplicas: replicas, lastScaleTime: rfc3339(clock.now()) };
    }

    async function targetOf(hpa: HorizontalPodAutoscaler): Promise<Target> {
      const { name } = hpa.spec!.scaleTargetRef;
      const resource = resourceOf(hpa.spec!.scaleTargetRef);
      return { resource, scale: (await client.get(resource, { namespace: hpa.metadata.namespace, name }, { subresource: 'scale' })) as Scale };
    }

    /** The most that one of the metrics asks for. A metric without figures counts only against shrinking. */
    async function evaluate(hpa: HorizontalPodAutoscaler, scale: Scale, current: number): Promise<Evaluation> {
      const selector = checkedSelector(hpa, scale);
      const proposals: Evaluated[] = [];
      const statuses: MetricStatus[] = [];
      const faults: AutoscalingError[] = [];
      const metricSpecs = hpa.spec?.metrics ?? [];
      for (const spec of metricSpecs) {
        const began = clock.monotonic();
        try {
          const proposal = await evaluateMetric(hpa, spec, selector, scale);
          proposals.push(proposal);
          statuses.push(proposal.status);
          measured.computed(actionOf(current, proposal.replicas), 'none', spec.type, seconds(began));
        } catch (error) {
          if (!(error instanceof AutoscalingError)) throw error;
          measured.computed('none', error.reason === 'InvalidMetricSourceType' ? 'spec' : 'internal', spec.type, seconds(began));
          recorder.event(hpa, 'Warning', error.reason, error.message);
          faults.push(error);
          statuses.push({ type: '' });
        }
      }
      const highest = proposals.toSorted((a, b) => b.replicas - a.replicas)[0];
      const [fault] = faults;
      if (!highest || (fault && highest.replicas < current)) {
        const { reason, message, within } = fault ?? new AutoscalingError('InvalidMetricSourceType', 'there are no metrics');
        throw new NoEvaluationError(`invalid metrics (${faults.length} invalid out of ${metricSpecs.length}), first error is: ${within}: ${message}`,
          { reason, message: `the HPA was unable to compute the replica count: ${message}` }, statuses);
      }
      return { replicas: highest.replicas, metric: highest.name, statuses };
    }

    /** The target's selector. Two autoscalers with pods in common would pull them hither and thither. Upstream: validateAndParseSelector. */
    function checkedSelector(hpa: HorizontalPodAutoscaler, { status }: Scale): string {
      const key = keyOf(hpa);
      const refuse = (event: string, reason: string, message: string, said = message): never => {
        recorder.event(hpa, 'Warning', event, message);
        throw new NoEvaluationError(message, { reason, message: said });
      };
      const selector = status?.selector;
      if (!selector) return refuse('SelectorRequired', 'InvalidSelector', 'selector is required', "the HPA target's scale is missing a selector");
      let parsed: Selector;
      try {
        parsed = parseSelector(selector);
      } catch (error) {
        return refuse('InvalidSelector', 'InvalidSelector', `couldn't convert selector into a corresponding internal selector object: ${(error as Error).message}`);
      }
      selectors.set(key, parsed);
      const { namespace } = hpa.metadata;
      const selected = selectedBy(namespace, selector);
      const rivals = autoscalers.list(namespace).map(keyOf).filter((other) => other !== key && selected.some((pod) => selectors.get(other)?.matches(pod.metadata.labels)));
      if (rivals.length === 0) return selector;
      return refuse('AmbiguousSelector', 'AmbiguousSelector', `pods by selector ${selector} are controlled by multiple HPAs: [${[key, ...rivals].join(' ')}]`);
    }

    async function evaluateMetric(hpa: HorizontalPodAutoscaler, spec: MetricSpec, selector: string, scale: Scale): Promise<Evaluated> {
      const source = spec.resource ?? spec.containerResource;
      if (!source) return await evaluateCustom(hpa, spec, selector, scale);
      const current = scale.spec?.replicas ?? 0;
      const reason = `FailedGet${spec.type}Metric`;
      const container = spec.containerResource?.container;
      const { target } = source;
      const about = { resource: source.name, ...(container !== undefined && { container }), ...amountOf(target) };
      const { namespace } = hpa.metadata;
      const selected = selectedBy(namespace, selector);
      const subject = `${source.name} ${about.utilization === undefined ? 'usage' : 'utilization'}`;
      let proposal: Proposal;
      try {
        const usage = await metrics.podUsage(namespace, selector).catch((error: Error) => {
          throw new Error(`unable to get metrics for resource ${source.name}: unable to fetch metrics from resource metrics API: ${error.message}`, { cause: error });
        });
        proposal = proposeReplicas(about, selected, usage, current, toleranceOf(hpa), clock.now());
      } catch (error) {
        throw new AutoscalingError(reason, `failed to get ${subject}: ${(error as Error).message}`, container === undefined ? `failed to get ${source.name} resource metric value` : `failed to get ${container} container metric value`);
      }
      const figures = { averageValue: quantityOf(proposal.averageMilli, 'milli'), ...(proposal.utilization !== undefined && { averageUtilization: proposal.utilization }) };
      const status: MetricStatus = container === undefined
        ? { type: 'Resource', resource: { name: source.name, current: figures } }
        : { type: 'ContainerResource', containerResource: { name: source.name, container, current: figures } };
      const name = proposal.utilization === undefined ? `${source.name} resource` : `${source.name}${container === undefined ? '' : ' container'} resource utilization (percentage of request)`;
      return { name, replicas: proposal.replicas, status };
    }

    function selectedBy(namespace: string, selector: string): readonly Pod[] {
      const parsed = parseSelector(selector);
      return pods.list(namespace).filter((pod) => parsed.matches(pod.metadata.labels));
    }

    /** Metrics of types Pods, Object and External, which come from elsewhere. */
    async function evaluateCustom(hpa: HorizontalPodAutoscaler, { type, pods: ofPods, object, external }: MetricSpec, selector: string, scale: Scale): Promise<Evaluated> {
      const { namespace } = hpa.metadata;
      const { metric } = (ofPods ?? object ?? external)!;
      const named = `external metric ${metric.name}(${goSelector(metric.selector)})`;
      try {
        if (!customMetrics) throw new Error('unable to fetch metrics: this server reaches no API of custom metrics');
        const selected = selectedBy(namespace, selector);
        const fleet = { current: scale.spec?.replicas ?? 0, existing: scale.status?.replicas ?? 0, ready: selected.filter(isPodReady).length };
        const wrong = (about: string, end = '') => (error: Error): never => {
          throw new Error(`unable to get ${about}: ${error.message}${end}`, { cause: error });
        };
        if (ofPods) {
          const { target } = ofPods;
          const figures = await customMetrics.ofPods(namespace, metric, selector).catch(wrong(`metric ${metric.name}`));
          const usage = [...figures].map(([pod, milli]) => ({ pod, atMs: clock.now(), windowMs: 0, containers: new Map([['', { [metric.name]: quantityOf(milli, 'milli') }]]) }));
          const proposal = proposeReplicas({ resource: metric.name, averageMilli: milliValue(target.averageValue) }, selected, usage, fleet.current, toleranceOf(hpa), clock.now());
          return { name: `pods metric ${metric.name}`, replicas: proposal.replicas, status: { type, pods: { metric, current: { averageValue: quantityOf(proposal.averageMilli, 'milli') } } } };
        }
        if (object) {
          const { target, describedObject } = object;
          const resource = resourceOf(describedObject);
          // Upstream's words have the fault and the name the other way round.
          const milli = await customMetrics.ofObject(namespace, metric, resource, describedObject.name).catch((error: Error) => wrong(`metric ${metric.name}`, ` on ${namespace} ${describedObject.name}/${error.message}`)(new Error(describedObject.kind)));
          const proposal = proposeForValue(milli, target, fleet, toleranceOf(hpa));
          return { name: target.type === 'AverageValue' ? named : `${describedObject.kind} metric ${metric.name}`, replicas: proposal.replicas, status: { type, object: { metric, describedObject, current: figuresOf(proposal) } } };
        }
        const { target } = external!;
        const values = await customMetrics.external(namespace, metric).catch(wrong(`external metric ${namespace}/${metric.name}/${goSelector(metric.selector)}`));
        const proposal = proposeForValue(values.reduce((sum, milli) => sum + milli, 0), target, fleet, toleranceOf(hpa));
        return { name: named, replicas: proposal.replicas, status: { type, external: { metric, current: figuresOf(proposal) } } };
      } catch (error) {
        const { message } = error as Error;
        const perPod = (object ?? external)?.target.type === 'AverageValue';
        const about = ofPods || (object && !perPod) ? '' : perPod ? `failed to get ${metric.name} ${type.toLowerCase()} metric: ` : `failed to get external metric ${metric.name}: `;
        throw new AutoscalingError(`FailedGet${type}Metric`, `${about}${message}`, external ? `failed to get ${metric.name} external metric value` : `failed to get ${type.toLowerCase()} metric value`);
      }
    }

    function resourceOf({ apiVersion = '', kind }: CrossVersionObjectReference): StoredResource {
      const { group } = parseApiVersion(apiVersion);
      const resource = storedResources(definitions.list(), 'get').find((stored) => stored.group === group && stored.kind === kind);
      if (!resource) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
      return resource;
    }

    function set(status: HorizontalPodAutoscalerStatus, type: string, value: 'True' | 'False', reason: string, message: string): HorizontalPodAutoscalerStatus {
      const condition: HorizontalPodAutoscalerCondition = { type, status: value, reason, message, lastTransitionTime: rfc3339(clock.now()) };
      return { ...status, conditions: withCondition(status.conditions, condition) };
    }

    const loop = startLoop(context, { name: 'horizontal-pod-autoscaler', queue: 'horizontalpodautoscaler', needs: [autoscalers, pods, definitions], workers: 5, reconcile });
    // Its own status is no reason to look again at once.
    loop.own(autoscalers.subscribe({
      add: (hpa) => itself(hpa).forEach((key) => loop.enqueue(key)),
      update: (before, hpa) => void (before.metadata.generation !== hpa.metadata.generation && itself(hpa).forEach((key) => loop.enqueue(key))),
      delete: (hpa) => itself(hpa).forEach((key) => loop.enqueue(key)),
    }));
    return loop;
  },
};

function figuresOf({ valueMilli, averageMilli }: ValueProposal): MetricValueStatus {
  return { ...(valueMilli !== undefined && { value: quantityOf(valueMilli, 'milli') }), ...(averageMilli !== undefined && { averageValue: quantityOf(averageMilli, 'milli') }) };
}

function amountOf({ averageUtilization, averageValue }: MetricTarget): { utilization?: number; averageMilli?: number } {
  if (averageUtilization !== undefined) return { utilization: averageUtilization };
  if (averageValue !== undefined) return { averageMilli: milliValue(averageValue) };
  throw new AutoscalingError('InvalidMetricSourceType', 'invalid resource metric source: neither a utilization target nor a value target was set');
}

function toleranceOf({ spec }: HorizontalPodAutoscaler): Tolerance {
  const { scaleUp, scaleDown } = spec?.behavior ?? {};
  const share = (text: string | undefined): number => (text === undefined ? TOLERANCE : quantityToNumber(text));
  return { up: share(scaleUp?.tolerance), down: share(scaleDown?.tolerance) };
}
