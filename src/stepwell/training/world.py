"""Several processes that train one model: each takes a part of every batch, and they sum what they found."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from stepwell.data.loader import Shard


@dataclass(frozen=True)
class World:
    """The number of this process and how many there are. One process alone is a world, too, in which sums cost nothing."""

    rank: int = 0
    size: int = 1

    @property
    def shard(self) -> Shard:
        """The part of every batch that this process takes."""
        return Shard(self.rank, self.size)

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and shows progress."""
        return self.rank == 0

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, stacked in the order of their numbers."""
        if self.size == 1:
            return tensor.unsqueeze(0)
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(parts, tensor.contiguous())
        return torch.stack(parts)

    def agree(self, number: int) -> int:
        """The largest of the processes' numbers, so that all of them stop or save at the same step."""
        return int(self.gather(torch.tensor(number)).max()) if self.size > 1 else number

    def share(self, model: nn.Module) -> None:
        """Give every process the first one's parameters and buffers."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)

    def share_buffers(self, model: nn.Module) -> None:
        """Make buffers, such as BatchNorm's, alike in all processes: floating ones their mean, others the first one's."""
        for buffer in model.buffers() if self.size > 1 else ():
            if buffer.is_floating_point():
                first = buffer.clone()
                dist.broadcast(first, 0)
                away = buffer - first  # nothing where nobody changed it: such a buffer keeps its bits
                dist.all_reduce(away)
                buffer.copy_(first + away / self.size)
            else:
                dist.broadcast(buffer, 0)

    def average_gradients(self, parameters: list[nn.Parameter], weight: Tensor) -> None:
        """Replace gradients of means over this process's rows by those of the mean over all; `weight` is the rows' weight.

        One exchange for all parameters. A parameter without a gradient in every process keeps none.
        """
        has = torch.tensor([float(p.grad is not None) for p in parameters], device=weight.device)
        flat = [torch.zeros_like(p) if p.grad is None else p.grad * weight for p in parameters]
        whole = torch.cat([weight.reshape(1).to(flat[0]), has.to(flat[0]), *(grad.flatten() for grad in flat)])
        dist.all_reduce(whole)
        total, used, rest = whole[0], whole[1 : len(parameters) + 1], whole[len(parameters) + 1 :]
        sizes = [p.numel() for p in parameters]
        for p, there, grad in zip(parameters, used.tolist(), rest.split(sizes), strict=True):  # type: ignore[no-untyped-call]
            p.grad = (grad / total).view_as(p) if there else None


SOLO = World()


def join_world() -> World:
    """The world that torchrun started this process in, or the process alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return SOLO
    if not dist.is_initialized():
        if torch.accelerator.is_available():
            torch.accelerator.set_device_index(
                int(os.environ.get("LOCAL_RANK", "0")) % torch.accelerator.device_count()
            )
        dist.init_process_group("gloo")
    return World(dist.get_rank(), size)
