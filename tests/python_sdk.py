"""The official SDK for Python (PyPI `yandexcloud`) against examples/fake_cloud.rs.

Its lines NAME=value are in the environment. The SDK gets an IAM token by the key file, starts an
execution, and reads it back.

The SDK opens TLS channels only: its `insecure` option also turns the token off. It signs a JWT for
the audience https://iam.<endpoint>/iam/v1/tokens.
"""

import json
import os

import grpc
import yandexcloud
from google.protobuf import struct_pb2
from yandex.cloud.iam.v1.iam_token_service_pb2 import CreateIamTokenRequest
from yandex.cloud.iam.v1.iam_token_service_pb2_grpc import IamTokenServiceStub
from yandex.cloud.serverless.workflows.v1 import execution_pb2, execution_service_pb2
from yandex.cloud.serverless.workflows.v1.execution_service_pb2_grpc import ExecutionServiceStub
from yandexcloud import _sdk

# The SDK has the messages of Workflows, and its table of services lacks the name of their host.
SERVICE = ("yandex.cloud.serverless.workflows", "serverless-workflows")
if SERVICE not in _sdk._supported_modules:
    _sdk._supported_modules.append(SERVICE)

ENDPOINT = os.environ["GRPC_TLS_URL"].removeprefix("https://")
INPUT = {"greeting": "hello"}


def read(name):
    with open(os.environ[name], "rb") as file:
        return file.read()


def sdk_with(key):
    root = read("ROOT_CERTIFICATE")
    return yandexcloud.SDK(service_account_key=key, endpoint=ENDPOINT, root_certificates=root)


def rejected(call, code):
    """Fails unless the call ends with that status, which the SDK got with its details."""
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, error
        return error.details()
    raise AssertionError(f"not rejected with {code}")


def main():
    key = json.loads(read("KEY_FILE"))
    executions = sdk_with(key).client(ExecutionServiceStub)

    request = execution_service_pb2.StartExecutionRequest(
        workflow_id="dfqpython00000000000",
        input=execution_pb2.ExecutionInput(input_json=json.dumps(INPUT)),
    )
    started = executions.Start(request)
    request = execution_service_pb2.GetExecutionRequest(execution_id=started.execution_id)
    execution = executions.Get(request).execution
    assert execution.status == execution_pb2.Execution.Status.FINISHED, execution
    assert execution.workflow_id == "dfqpython00000000000", execution
    assert json.loads(execution.result.result_json) == INPUT, execution

    value = struct_pb2.Value(struct_value=struct_pb2.Struct())
    value.struct_value.update(INPUT)
    request = execution_service_pb2.StartExecutionRequest(
        workflow_id="dfqvalue000000000000",
        input=execution_pb2.ExecutionInput(input_value=value),
    )
    by_value = executions.Start(request)
    request = execution_service_pb2.GetExecutionRequest(execution_id=by_value.execution_id)
    assert json.loads(executions.Get(request).execution.result.result_json) == INPUT

    request = execution_service_pb2.ListExecutionsRequest(workflow_id="dfqpython00000000000")
    listed = executions.List(request).executions
    assert [preview.id for preview in listed] == [started.execution_id], listed

    # An error of the cloud reaches the SDK as a status.
    request = execution_service_pb2.GetExecutionRequest(execution_id="dfeabsent00000000000")
    details = rejected(lambda: executions.Get(request), grpc.StatusCode.NOT_FOUND)
    assert details == "Execution was not found", details

    # IAM rejects a key that it does not know, and a JWT that is none.
    unknown = sdk_with(key | {"id": "ajeabsent00000000000"}).client(ExecutionServiceStub)
    details = rejected(lambda: unknown.Get(request), grpc.StatusCode.UNAVAILABLE)
    assert "Key 'ajeabsent00000000000' was not found" in details, details
    tokens = sdk_with(key).client(IamTokenServiceStub)
    malformed = CreateIamTokenRequest(jwt="x")
    rejected(lambda: tokens.Create(malformed), grpc.StatusCode.UNAUTHENTICATED)

    print(f"yandexcloud {yandexcloud.__version__}: execution {execution.id} is finished")


main()
