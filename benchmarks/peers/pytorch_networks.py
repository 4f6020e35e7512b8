"""The VAEs of training_speed.py and evaluation_speed.py in PyTorch: 784-400-20, and a small convolutional one.

Weights start as isthmus starts its own: Glorot's uniform ones, biases of 0, the last bias at the columns' means.
"""

import json

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

LATENT, HIDDEN, CHANNELS = 20, 400, (32, 64)


def make_encoder(network: str) -> nn.Sequential:
    """From rows of 784 pixels to means and log-scales."""
    if network == "mlp":
        return started(nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT)))
    first, second = CHANNELS
    return started(
        nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, first, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(first, second, 4, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * 49, 2 * LATENT),
        )
    )


class Decoder(nn.Module):
    """From latents to logits of 784 pixels. mean: [pixel], of the training rows."""

    def __init__(self, network: str, mean: torch.Tensor):
        super().__init__()
        first, second = CHANNELS
        if network == "mlp":
            layers = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784, bias=False))
        else:
            layers = nn.Sequential(
                nn.Linear(LATENT, second * 49),
                nn.ReLU(),
                nn.Unflatten(1, (second, 7, 7)),
                nn.ConvTranspose2d(second, first, 4, 2, 1),
                nn.ReLU(),
                nn.ConvTranspose2d(first, 1, 4, 2, 1),
                nn.Flatten(),
            )
        self.layers, self.bias = started(layers), nn.Parameter(torch.logit(mean, eps=1e-3))

    def forward(self, z):
        return self.layers(z) + self.bias


class VAE(nn.Module):
    def __init__(self, network: str, mean: torch.Tensor):
        super().__init__()
        self.encoder, self.decoder = make_encoder(network), Decoder(network, mean)

    def forward(self, x):
        """Minus the ELBO at one draw, mean over rows."""
        mean, log_scale = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(log_scale) * torch.randn_like(mean)
        distortion = binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        rate = 0.5 * torch.sum(mean**2 + torch.exp(2 * log_scale) - 1 - 2 * log_scale)
        return (distortion + rate) / len(x)


def started(layers: nn.Sequential) -> nn.Sequential:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return layers


def answer(**fields) -> None:
    print(json.dumps(fields), flush=True)
