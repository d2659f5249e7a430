"""The simulated controllers, scheduler and kubelet: what makes a change to the cluster take effect.

They never look at what nobody touched: work starts from changes, so a loaded incident stays as it was captured. When
something did change, a pod's fate follows from its spec and the state of the cluster, with no knowledge of scenarios:

1. A cause that can be checked is checked (`causes`, `scheduler`): a missing object or key, an image that could not be
   pulled before, a memory limit below what the container is known to need, no node that fits, a refusing quota.
2. Otherwise, a pod fails like the captured pods of its workload did (`failures`) while its template still has what was
   at fault: the fields in which the failing template differs from the last good one, or the whole template when there
   is no good one. It fails with the same states, logs and events.
3. A failure of the second sort also ends when somebody changed another object that may have caused it: one in the same
   namespace, in kube-system, or cluster-scoped. A changed workload counts once it is ready; a ConfigMap or Secret only
   if the pod uses it.
4. Everything else runs.
"""
