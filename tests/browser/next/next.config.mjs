// The addon cannot be packed; without this line the server uses WebAssembly instead.
export default { serverExternalPackages: ['langflow-client'] };
