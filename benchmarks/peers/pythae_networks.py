"""The networks of pytorch_networks.py in pythae's VAE, its reconstruction loss the binary cross-entropy."""

import torch
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pytorch_networks import LATENT, Decoder, make_encoder


class Encoder(BaseEncoder):
    def __init__(self, network: str):
        super().__init__()
        self.layers = make_encoder(network)

    def forward(self, x):
        mean, log_covariance = self.layers(x).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_covariance)


class Reconstruction(BaseDecoder):
    """pythae's cross-entropy takes probabilities."""

    def __init__(self, network: str, mean: torch.Tensor):
        super().__init__()
        self.logits = Decoder(network, mean)

    def forward(self, z):
        return ModelOutput(reconstruction=torch.sigmoid(self.logits(z)))


def make_model(network: str, mean: torch.Tensor) -> VAE:
    configuration = VAEConfig(input_dim=(784,), latent_dim=LATENT, reconstruction_loss="bce")
    return VAE(configuration, Encoder(network), Reconstruction(network, mean))
