"""Kubernetes clusters (OKS) of an account, drawn from the seed; no call of the API lists them."""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime

from sandbox.draw import Draw
from sandbox.regions import Region


@dataclass(frozen=True)
class Cluster:
    """One cluster, alone in its project; `size` is that of its control plane, as the catalog names it."""

    cluster_id: str
    size: str
    created: datetime


def build_clusters(seed: int, region: Region, account_id: str) -> tuple[Cluster, ...]:
    """Return the clusters of an account: one."""
    generator = random.Random(f"{seed}/{region.name}/{account_id}/clusters")
    cluster_id = str(uuid.UUID(int=generator.getrandbits(128), version=4))
    return (Cluster(cluster_id, "cp.3.masters.small", Draw(generator, region).moment()),)
