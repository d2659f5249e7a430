"""Claims, volumes and classes."""

import datetime as dt

from tests.scenarios.builder.clock import sec, ts


class Storage:
    """Objects of storage."""

    def pvc(
        self,
        ns,
        name,
        size,
        cls,
        created=None,
        labels=None,
        mode="ReadWriteOnce",
        bound=True,
        csi="disk.csi.example.com",
        phase=None,
        capacity=None,
        local=None,
        owner=None,
        deleting=None,
        finalizers=None,
        conditions=None,
        pv_created=None,
        selected=None,
        changed=None,
    ):
        created = created or self.start + dt.timedelta(days=self.age * 0.2)
        uid = self.uid()
        ann = {}
        sp = {"accessModes": [mode], "resources": {"requests": {"storage": size}}, "volumeMode": "Filesystem"}
        if cls is not None:
            sp["storageClassName"] = cls
        st = {"phase": "Pending"}
        if bound:
            pv = "pvc-" + uid
            sp["volumeName"] = pv
            ann = {
                "pv.kubernetes.io/bind-completed": "yes",
                "pv.kubernetes.io/bound-by-controller": "yes",
                "volume.beta.kubernetes.io/storage-provisioner": csi,
                "volume.kubernetes.io/storage-provisioner": csi,
            }
            if local or selected:
                ann["volume.kubernetes.io/selected-node"] = local or selected
            st = {"accessModes": [mode], "capacity": {"storage": capacity or size}, "phase": "Bound"}
            pvs = {
                "accessModes": [mode],
                "capacity": {"storage": capacity or size},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "name": name,
                    "namespace": ns,
                    "resourceVersion": self.rv(created),
                    "uid": uid,
                },
                "persistentVolumeReclaimPolicy": "Delete",
                "volumeMode": "Filesystem",
            }
            if cls is not None:
                pvs["storageClassName"] = cls
            if local:
                pvs["hostPath"] = {"path": f"/opt/local-path-provisioner/{pv}_{ns}_{name}", "type": "DirectoryOrCreate"}
                pvs["nodeAffinity"] = {
                    "required": {
                        "nodeSelectorTerms": [
                            {
                                "matchExpressions": [
                                    {"key": "kubernetes.io/hostname", "operator": "In", "values": [local]}
                                ]
                            }
                        ]
                    }
                }
                fin = ["kubernetes.io/pv-protection"]
                pann = {"local.path.provisioner/selected-node": local, "pv.kubernetes.io/provisioned-by": csi}
            else:
                pvs["csi"] = {
                    "driver": csi,
                    "fsType": "ext4",
                    "volumeAttributes": {
                        "storage.kubernetes.io/csiProvisionerIdentity": f"{int(self.start.timestamp())}-{csi}"
                    },
                    "volumeHandle": "vol-" + self.hexs(17),
                }
                fin = ["external-provisioner.volume.kubernetes.io/finalizer", "kubernetes.io/pv-protection"]
                pann = {
                    "pv.kubernetes.io/provisioned-by": csi,
                    "volume.kubernetes.io/provisioner-deletion-secret-name": "",
                    "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
                }
            self.make(
                "v1",
                "PersistentVolume",
                pv,
                None,
                pv_created or created + sec(4),
                {
                    "spec": pvs,
                    "status": {"lastPhaseTransitionTime": ts((pv_created or created) + sec(4)), "phase": "Bound"},
                },
                annotations=pann,
                finalizers=fin,
            )
        if phase:
            st["phase"] = phase
        if conditions:
            st["conditions"] = conditions
        return self.make(
            "v1",
            "PersistentVolumeClaim",
            name,
            ns,
            created,
            {"spec": sp, "status": st},
            uid=uid,
            labels=labels,
            annotations=ann or None,
            finalizers=finalizers or ["kubernetes.io/pvc-protection"],
            owner=owner,
            deleting=deleting,
            changed=changed,
        )

    def storage_class(self, name, provisioner, default=False, mode="WaitForFirstConsumer", expand=True, params=None):
        return self.make(
            "storage.k8s.io/v1",
            "StorageClass",
            name,
            None,
            self.start + sec(400),
            {
                "allowVolumeExpansion": expand,
                "parameters": params or {"type": "ssd"},
                "provisioner": provisioner,
                "reclaimPolicy": "Delete",
                "volumeBindingMode": mode,
            },
            annotations={"storageclass.kubernetes.io/is-default-class": "true"} if default else None,
        )
