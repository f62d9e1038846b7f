"""Data sets, extractors and metrics that each break one rule; `said` is what the conformance check must say of it."""

import itertools
import random
from typing import ClassVar

import torch

from ganzoo.data.base import Dataset, DataSpec, ImageData
from ganzoo.features.base import FeatureExtractor
from ganzoo.metrics.base import Measurement, Metric
from ganzoo.registry import register


def broken(kind):
    """Register a class with the docstring that every component has."""

    def decorate(component):
        component.__doc__ = "Break one rule.\n\nSource: this test."
        return register(kind)(component)

    return decorate


class good_data(Dataset):
    image_shape: ClassVar = (1, 8, 8)
    num_classes: ClassVar = 3
    num_images: ClassVar = {"train": 6}

    def spec(self):
        return DataSpec(self.image_shape, self.num_classes, self.num_images)

    def load(self, split):
        self.check_split(split)
        images_NCHW = torch.randint(256, (6, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        return ImageData(images_NCHW, torch.arange(6) % 3)

    def find(self):
        return "here"


@broken("data")
class of_two_channels(good_data):
    said: ClassVar = "spec: image_shape is (2, 8, 8); give (C, H, W) in pixels, C being 1 or 3"
    image_shape: ClassVar = (2, 8, 8)


@broken("data")
class of_negative_classes(good_data):
    said: ClassVar = "spec: num_classes is -1; 0 means no labels"
    num_classes: ClassVar = -1


@broken("data")
class without_train(good_data):
    said: ClassVar = "spec: there is no split 'train'; name one so"
    num_images: ClassVar = {"all": 6}


@broken("data")
class of_any_split(good_data):
    said: ClassVar = "load: an unknown split is not refused; raise UserError and name the splits there are"

    def check_split(self, split):
        pass


@broken("data")
class that_is_not_found(good_data):
    said: ClassVar = "find() says that the files are missing, yet they load; let both look in the same places"

    def find(self):
        return None


@broken("data")
class of_floats(good_data):
    said: ClassVar = "its images are (6, 1, 8, 8) torch.float32; return uint8 (N, *(1, 8, 8)), as spec() says"

    def load(self, split):
        data = super().load(split)
        return ImageData(data.images_NCHW.float(), data.labels_N)


@broken("data")
class of_another_size(good_data):
    said: ClassVar = "it has 6 images and spec() says 7; correct one"
    num_images: ClassVar = {"train": 7}


@broken("data")
class of_too_few_classes(good_data):
    said: ClassVar = "it has no int64 labels in 0..1, one for each image"
    num_classes: ClassVar = 2


@broken("data")
class labelled_in_secret(good_data):
    said: ClassVar = "it has labels and spec() says none; set num_classes in spec()"
    num_classes: ClassVar = 0


@broken("data")
class in_any_order(good_data):
    said: ClassVar = "load of 'train': loaded twice, it differs; return the same images in the same order"
    orders: ClassVar = itertools.cycle([[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])

    def load(self, split):
        data, rows = super().load(split), next(self.orders)
        return ImageData(data.images_NCHW[rows], data.labels_N[rows])


class good_features(FeatureExtractor):
    label, feature_dim = "mean", 1

    def check_available(self):
        pass

    def __call__(self, images_NCHW):
        return images_NCHW.float().mean((1, 2, 3), keepdim=True)[:, 0, 0]

    def protocol(self):
        return {"extractor": "mean"}


@broken("features")
class nameless(good_features):
    said: ClassVar = "label: it is empty; say what numbers are named after"
    label = ""


@broken("features")
class of_doubles(good_features):
    said: ClassVar = "they are (4, 1) torch.float64 on cpu; return float32 (N, feature_dim) on the CPU without gradient"

    def __call__(self, images_NCHW):
        return super().__call__(images_NCHW).double()


@broken("features")
class of_nan(good_features):
    said: ClassVar = "they are not finite; check the preprocessing of uint8 images"

    def __call__(self, images_NCHW):
        return super().__call__(images_NCHW) * float("nan")


@broken("features")
class of_the_whole_batch(good_features):
    said: ClassVar = "an image's features depend on its batch; put the network in eval()"

    def __call__(self, images_NCHW):
        features_NF = super().__call__(images_NCHW)
        return features_NF - features_NF.mean()


@broken("features")
class of_odd_logits(good_features):
    said: ClassVar = "class_logits: they are (4, 3) torch.float32; return float32 (N, num_classes)"
    num_classes = 5

    def class_logits(self, features_NF):
        return features_NF.expand(-1, 3)


@broken("features")
class without_protocol(good_features):
    said: ClassVar = "protocol: it is {}; return the settings behind a number"

    def protocol(self):
        return {}


@broken("features")
class inverting(good_features):
    said: ClassVar = "it changes the images; work on a new tensor"

    def __call__(self, images_NCHW):
        return super().__call__(images_NCHW.bitwise_not_())


@broken("features")
class with_dropout(good_features):
    said: ClassVar = "the same images have other features a second time; put the network in eval()"

    def __call__(self, images_NCHW):
        return super().__call__(images_NCHW) * random.random()


class good_metric(Metric):
    value: ClassVar = 1.0
    standard_error: ClassVar = None

    def measure(self, inputs):
        return [Measurement("value", self.value, self.standard_error, False, {"num_fake": 1})]


@broken("metrics")
class of_nothing(good_metric):
    said: ClassVar = "measure: it returns no number; return at least one Measurement"

    def measure(self, inputs):
        return []


@broken("metrics")
class by_chance(good_metric):
    said: ClassVar = "measure: it does not repeat; draw from a generator made from `inputs.seed`"

    def measure(self, inputs):
        return [Measurement("value", random.random(), None, False, {"num_fake": 1})]


@broken("metrics")
class of_no_extractor(good_metric):
    said: ClassVar = "extractors: 5 is no part of a feature extractor; return the references it was given"

    def extractors(self):
        return [5]


@broken("metrics")
class infinite(good_metric):
    said: ClassVar = "measure, 'value': it is inf; check its arithmetic"
    value: ClassVar = float("inf")


@broken("metrics")
class surer_than_sure(good_metric):
    said: ClassVar = "measure, 'value': its standard error is -1.0; give None or a number"
    standard_error: ClassVar = -1.0


@broken("metrics")
class that_trains(good_metric):
    said: ClassVar = "measure: it changes the run's discriminator, or the mode that it is in; leave weights"

    def measure(self, inputs):
        inputs.discriminator.train()
        return super().measure(inputs)


@broken("metrics")
class that_prunes(good_metric):
    said: ClassVar = "measure: it changes the run's discriminator, or the mode that it is in; leave weights"

    def measure(self, inputs):
        with torch.no_grad():
            inputs.discriminator.linear.bias += 1
        return super().measure(inputs)
