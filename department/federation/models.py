"""The tables of federation as Django sees them. The rules stand in the database: see sql/."""

from functools import cached_property

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from django.db import models
from django.utils import timezone
from joserfc.jwk import ECKey

from platepost.department.ledger.models import Agency


class PartnerDepartment(models.Model):
    """A department of the register of agencies that this one exchanges queries with."""

    agency = models.OneToOneField(Agency, models.PROTECT, primary_key=True, db_column="agency")
    url = models.TextField()
    """`https://host:port`."""
    certificate = models.TextField()
    """By which its server is known and this one knows its own; by the same key it signs. PEM."""
    person = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        managed = False
        db_table = "federation_partner"
        ordering = ("agency_id",)

    @cached_property
    def shown(self) -> bytes:
        """The certificate as a connection shows it, DER."""
        return load_pem_x509_certificate(self.certificate.encode()).public_bytes(Encoding.DER)

    @cached_property
    def key(self) -> ECKey:
        """By which its messages are verified."""
        public = load_pem_x509_certificate(self.certificate.encode()).public_key()
        return ECKey.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


class FederatedExchange(models.Model):
    """One query to or from a partner. Neither query nor answer: those stand in the ledger."""

    id = models.UUIDField(primary_key=True)
    side = models.TextField()
    """`asked` by this department, or `answered` by it."""
    agency = models.ForeignKey(PartnerDepartment, models.PROTECT, db_column="agency")
    person = models.TextField()
    """Of the department that asks."""
    purpose = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    digest = models.TextField()
    committed = models.TextField(null=True)
    """The commitment to the case number: see `platepost.department.ledger.chain.commitment`."""
    case_number = models.TextField(null=True)
    salt = models.BinaryField(null=True)
    decision = models.TextField(null=True)
    """`lost`: the partner never got it."""
    entry = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "federation_exchange"
        ordering = ("-at",)
