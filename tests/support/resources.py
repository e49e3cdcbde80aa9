"""Three related resources with all types of fields."""

from pathlib import Path

from generator.project.resources.add import add_resource

THREE = (
    ("customer", "name:text(200)", "born:date?"),
    (
        "invoices",
        "number:text(20)",
        "total:decimal",
        "rate:decimal(5,4)",
        "count:integer?",
        "paid:boolean",
        "due:date?",
        "sent_at:datetime",
        "external_id:uuid?",
        "state:enum(draft|sent)",
        "data:json",
        "more:json?",
        "customer_id:ref(customer)",
        "parent_id:ref(invoice)?",
    ),
    ("order-line", "quantity:integer", "type:enum(a|b)?", "invoice_id:ref(invoices)"),
)


def add_three(project: Path, *, owned: bool) -> None:
    """Add them to a project."""
    for name, *fields in THREE:
        add_resource(project, name, fields, plural=None, owned=owned)
