"""The calls about public IPs, NAT services, load balancers, VPN connections and DirectLinks."""

from sandbox.calls import Asked, listing
from sandbox.inventory import DirectLink, LoadBalancer, NatService, PublicIp, VpnConnection
from sandbox.parameters import BOOLEAN, INTEGERS, TAG_FILTERS, Item, field
from sandbox.shown import SECURITY_GROUP, by_age, moment, present, tag_list


def _public_ips(asked: Asked) -> list[Item]:
    return [_public_ip(address) for address in by_age(asked.inventory.public_ips, "public_ip_id")]


def _public_ip(address: PublicIp) -> Item:
    return {
        # The API may answer null for these two, and leaves out what else does not apply.
        "NatServiceId": address.nat_service_id,
        "NetAccessPointIds": None,
        **present(
            PublicIpId=address.public_ip_id,
            PublicIp=address.address,
            LinkPublicIpId=address.link_id,
            VmId=address.vm_id,
            NicId=address.nic_id,
            NicAccountId=address.nic_account_id,
            PrivateIp=address.private_ip,
            Tags=tag_list(address.tags),
        ),
    }


def _nat_services(asked: Asked) -> list[Item]:
    return [_nat_service(nat) for nat in by_age(asked.inventory.nat_services, "nat_service_id")]


def _nat_service(nat: NatService) -> Item:
    return {
        "NatServiceId": nat.nat_service_id,
        "State": nat.state,
        "NetId": nat.net_id,
        "SubnetId": nat.subnet_id,
        "PublicIps": [{"PublicIpId": id_, "PublicIp": address} for id_, address in nat.public_ips],
        "Tags": tag_list(nat.tags),
    }


def _load_balancers(asked: Asked) -> list[Item]:
    balancers = by_age(asked.inventory.load_balancers, "name")
    return [_load_balancer(balancer, asked) for balancer in balancers]


def _load_balancer(balancer: LoadBalancer, asked: Asked) -> Item:
    account_id = asked.account.account_id
    kind = "internal" if balancer.is_internal else "internet-facing"
    listener = {"BackendPort": 80, "BackendProtocol": "HTTP", "LoadBalancerPort": 80}
    listener |= {"LoadBalancerProtocol": "HTTP", "PolicyNames": []}
    health = {"CheckInterval": 30, "HealthyThreshold": 10, "Port": 80, "Protocol": "TCP", "Timeout": 5}
    return present(
        LoadBalancerName=balancer.name,
        LoadBalancerType=kind,
        State=balancer.state,
        DnsName=f"{balancer.name}.{account_id[-9:]}.{asked.region}.lbu.outscale.com",
        PublicIp=balancer.public_ip,
        SubregionNames=[balancer.subregion],
        NetId=balancer.net_id,
        Subnets=[balancer.subnet_id] if balancer.subnet_id else [],
        SecurityGroups=[SECURITY_GROUP["SecurityGroupId"]],
        SourceSecurityGroup={
            "SecurityGroupName": SECURITY_GROUP["SecurityGroupName"],
            "SecurityGroupAccountId": account_id,
        },
        SecuredCookies=False,
        AccessLog={"IsEnabled": False, "PublicationInterval": 60},
        ApplicationStickyCookiePolicies=[],
        LoadBalancerStickyCookiePolicies=[],
        BackendIps=[],
        BackendVmIds=list(balancer.backend_vm_ids),
        Listeners=[listener],
        HealthCheck=health | {"UnhealthyThreshold": 2},
        Tags=tag_list(balancer.tags),
    )


def _vpn_connections(asked: Asked) -> list[Item]:
    connections = by_age(asked.inventory.vpn_connections, "vpn_connection_id")
    return [_vpn_connection(connection) for connection in connections]


def _vpn_connection(vpn: VpnConnection) -> Item:
    telemetry = {"AcceptedRouteCount": 0, "LastStateChangeDate": moment(vpn.created)}
    telemetry |= {"OutsideIpAddress": "192.0.2.1", "State": "UP", "StateDescription": "IPSEC IS UP"}
    return {
        "VpnConnectionId": vpn.vpn_connection_id,
        "State": vpn.state,
        "ConnectionType": "ipsec.1",
        "StaticRoutesOnly": True,
        "ClientGatewayId": vpn.client_gateway_id,
        "VirtualGatewayId": vpn.virtual_gateway_id,
        "ClientGatewayConfiguration": "",
        "Routes": [{"DestinationIpRange": "172.16.0.0/12", "RouteType": "static", "State": "available"}],
        "VgwTelemetries": [telemetry],
        "Tags": tag_list(vpn.tags),
    }


def _direct_links(asked: Asked) -> list[Item]:
    return [_direct_link(link, asked) for link in by_age(asked.inventory.direct_links, "direct_link_id")]


def _direct_link(link: DirectLink, asked: Asked) -> Item:
    return {
        "DirectLinkId": link.direct_link_id,
        "DirectLinkName": link.name,
        "Bandwidth": f"{link.bandwidth_gbps}Gbps",
        "Location": link.location,
        "RegionName": asked.region,
        "State": link.state,
        "AccountId": asked.account.account_id,
    }


PUBLIC_IP_FILTERS = {
    **TAG_FILTERS,
    "PublicIpIds": field("PublicIpId"),
    "PublicIps": field("PublicIp"),
    "LinkPublicIpIds": field("LinkPublicIpId"),
    "VmIds": field("VmId"),
    "NicIds": field("NicId"),
    "NicAccountIds": field("NicAccountId"),
    "PrivateIps": field("PrivateIp"),
    "Placements": field("Placement"),
}
NAT_SERVICE_FILTERS = {
    **TAG_FILTERS,
    "NatServiceIds": field("NatServiceId"),
    "NetIds": field("NetId"),
    "SubnetIds": field("SubnetId"),
    "States": field("State"),
    "ClientTokens": field("ClientToken"),
}
LOAD_BALANCER_FILTERS = {"LoadBalancerNames": field("LoadBalancerName"), "States": field("State")}
VPN_CONNECTION_FILTERS = {
    **TAG_FILTERS,
    "VpnConnectionIds": field("VpnConnectionId"),
    "ClientGatewayIds": field("ClientGatewayId"),
    "VirtualGatewayIds": field("VirtualGatewayId"),
    "ConnectionTypes": field("ConnectionType"),
    "States": field("State"),
    "StaticRoutesOnly": field("StaticRoutesOnly", BOOLEAN),
    "RouteDestinationIpRanges": field("Routes.DestinationIpRange"),
    "BgpAsns": field("BgpAsn", INTEGERS),
}
DIRECT_LINK_FILTERS = {"DirectLinkIds": field("DirectLinkId")}

NETWORK_CALLS = (
    listing("ReadPublicIps", "PublicIps", _public_ips, filters=PUBLIC_IP_FILTERS),
    listing("ReadNatServices", "NatServices", _nat_services, filters=NAT_SERVICE_FILTERS),
    listing(
        "ReadLoadBalancers",
        "LoadBalancers",
        _load_balancers,
        filters=LOAD_BALANCER_FILTERS,
        is_paginated=False,
    ),
    listing("ReadVpnConnections", "VpnConnections", _vpn_connections, filters=VPN_CONNECTION_FILTERS),
    listing("ReadDirectLinks", "DirectLinks", _direct_links, filters=DIRECT_LINK_FILTERS),
)
