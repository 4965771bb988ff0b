"""How many answers an item has: by the kind of label that is asked for."""

from dataclasses import dataclass

from labelplatform.labels.models import Campaign

MOST_RESPONSES = 9


@dataclass(frozen=True)
class Shape:
    """An item has `fewest` to `most` answers. Where both are one, each answer of a prompt is an item of its own."""

    fewest: int
    most: int

    @property
    def one_per_response(self) -> bool:
        """Whether each answer makes its own item."""
        return self.most == 1


SHAPES = {
    Campaign.Kind.RANKING: Shape(2, MOST_RESPONSES),
    Campaign.Kind.COMPARISON: Shape(2, 2),
    Campaign.Kind.RATING: Shape(1, 1),
    Campaign.Kind.HONESTY: Shape(1, 1),
    Campaign.Kind.SPANS: Shape(1, 1),
    Campaign.Kind.DEMONSTRATION: Shape(0, 0),
}


def shape_of(kind: str) -> Shape:
    """The shape of the items of a campaign of this kind."""
    return SHAPES[Campaign.Kind(kind)]
