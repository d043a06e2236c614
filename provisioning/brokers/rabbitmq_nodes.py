"""How the nodes of RabbitMQ talk to one another: Erlang's distribution, over which every record goes from node to node.

By itself it is without TLS, on every interface, and who knows its cookie controls the node. A node of its own keeps it
on the loopback interface. Nodes of a cluster talk mutual TLS 1.3, each on the address that it was given, and both sides
ask for the broker's own certificate: those of posts and people, of the same authority, open nothing.
"""

import re
import shlex
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from platepost.provisioning.brokers.rabbitmq import NodeFiles, erlang_text, revocation_options
from platepost.provisioning.errors import ProvisioningError

ENVIRONMENT_FILE = "rabbitmq-env.conf"
DISTRIBUTION_FILE = "distribution.config"
_LOOPBACK = "127.0.0.1"
_SERVER_USAGE = "{1, 3, 6, 1, 5, 5, 7, 3, 1}"
"""Extended key usage of servers (RFC 5280, 4.2.1.12). Erlang's refusals name what a certificate is for."""
_MADE = "# Made by `platepost provision`: how nodes, and rabbitmqctl, talk to one another.\n"
_INTERFACE = (
    "# Not among the arguments: of a helper that a node starts to find the others, this is all that reaches it.\n"
    """export ERL_AFLAGS="-kernel inet_dist_use_interface {$(echo $ERL_EPMD_ADDRESS | tr . ,)}"\n"""
)


def environment(nodes: Mapping[str, str], *, distribution: Path) -> str:
    """Return the text of a rabbitmq-env.conf, the same for all nodes; rabbitmqctl reads it too.

    Args:
        nodes: name -> IPv4 address of every node of a cluster; none for a node of its own.
        distribution: the file of `distribution_options`, for a cluster.

    Raises:
        ProvisioningError: an address is none of IPv4; or the path has a space or a quote in it.

    """
    if not nodes:
        # Under the host's own name, rabbitmqctl would look for the node at the host's own address.
        return f"{_MADE}NODENAME=rabbit@localhost\nERL_EPMD_ADDRESS={_LOOPBACK}\n{_INTERFACE}"
    if not re.fullmatch(r"[^\s'\"\\]+", str(distribution)):
        raise ProvisioningError(f"{distribution}: RabbitMQ accepts no path with spaces or quotes for a cluster")
    cases = "\n".join(f"  {shlex.quote(name)}) ERL_EPMD_ADDRESS={_ipv4(name, at)} ;;" for name, at in nodes.items())
    options = f"-proto_dist inet_tls -ssl_dist_optfile {distribution}"
    return f"""{_MADE}\
case ${{RABBITMQ_NODENAME:-${{NODENAME:-rabbit@$(hostname -s)}}}} in
{cases}
  *) ERL_EPMD_ADDRESS={_LOOPBACK} ;; # none of the cluster
esac
{_INTERFACE}\
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="$RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS "{shlex.quote(options)}
RABBITMQ_CTL_ERL_ARGS="$RABBITMQ_CTL_ERL_ARGS "{shlex.quote(options)}
"""


def distribution_options(files: NodeFiles, *, name: str) -> str:
    """Return the text of a distribution.config, an Erlang expression: how each side knows the other.

    Args:
        files: what it names.
        name: a host name of the broker's certificate, which all nodes have.

    """
    both = f"""\
    {{cacertfile, {erlang_text(files.authority)}}},
    {{certfile, {erlang_text(files.certificate)}}},
    {{keyfile, {erlang_text(files.private_key)}}},
    {{versions, ['tlsv1.3']}},
    {{verify, verify_peer}},
    {{depth, 2}}{revocation_options(files)}"""
    return f"""%% coding: utf-8. Made by `platepost provision`.
[
  {{client, [
{both},
    {{server_name_indication, "{name}"}}
  ]}},
  {{server, [
{both},
    {{fail_if_no_peer_cert, true}},
    %% A server asks its clients for no name by itself, and takes no certificate of a server, which the broker's is.
    {{verify_fun, {{fun
      (_, {{bad_cert, {{_, Usage}}}} = Reason, State) ->
        case is_list(Usage) andalso lists:member({_SERVER_USAGE}, Usage) of
          true -> {{valid, State}};
          false -> {{fail, Reason}}
        end;
      (_, {{bad_cert, _}} = Reason, _) -> {{fail, Reason}};
      (_, {{extension, _}}, State) -> {{unknown, State}};
      (_, valid, State) -> {{valid, State}};
      (Certificate, valid_peer, State) ->
        case public_key:pkix_verify_hostname(Certificate, [{{dns_id, "{name}"}}]) of
          true -> {{valid, State}};
          false -> {{fail, not_the_broker}}
        end
    end, []}}}}
  ]}}
].
"""


def host_name(names: tuple[str, ...]) -> str:
    """Return the first of a broker's names that is no address. Raises ProvisioningError if none is."""
    for name in names:
        try:
            IPv4Address(name)
        except ValueError:
            if ":" not in name:
                return name
    raise ProvisioningError(
        "the nodes of a cluster know one another by a host name of the broker: it has addresses only"
    )


def _ipv4(node: str, address: str) -> IPv4Address:
    try:
        return IPv4Address(address)
    except ValueError as error:
        raise ProvisioningError(f"{node}={address}: a node is given as NAME=ADDRESS, an IPv4 address") from error
