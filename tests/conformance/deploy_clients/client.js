// Deploys a zip by a publish profile: node client.js CLIENT ZIP, with the XML in PUBLISH_PROFILE.
//
// What calls the site are the libraries of azure/webapps-deploy (GitHub) and AzureWebApp (Azure Pipelines), unmodified.
// Here is the order in which action and task use them. The last line is RESULT and an object {id, active, error}.
"use strict";
const util = require("util");
const { parseStringPromise } = require("xml2js");

util.isNumber ??= (value) => typeof value === "number"; // the action runs on a Node that still has it

const FAILED = 3;
const SUCCESS = 4;

async function firstProfile(text) {
  const found = await parseStringPromise(text);
  const profile = found.publishData.publishProfile[0].$;
  if (!profile.publishUrl.includes("scm")) {
    throw new Error("Publish profile does not contain kudu URL");
  }
  return profile;
}

// azure/webapps-deploy: v3 by OneDeploy, v2 and early v3 by ZIP Deploy, which record the deployment once more.
async function github(profile, deploy, { records }) {
  const { Kudu } = require("azure-actions-appservice-rest/Kudu/azure-app-kudu-service");
  const { KuduServiceUtility } = require("azure-actions-appservice-rest/Utilities/KuduServiceUtility");
  const login = { username: profile.userName, password: profile.userPWD };
  const kudu = new Kudu(`https://${profile.publishUrl}`, login);
  const utility = new KuduServiceUtility(kudu);
  await kudu.getAppRuntime().catch(() => console.log("the runtime is not known")); // a warning of the action
  await utility.warmpUp();
  const custom = { slotName: "production", commitMessage: "Reports of May & June" };
  let id = null;
  try {
    id = await deploy(utility, custom);
  } finally {
    if (records && id === null) {
      await utility.updateDeploymentStatus(false, null, { type: "Deployment", slotName: "production" });
    }
  }
  if (!records) {
    return { id, active: null };
  }
  const active = await utility.updateDeploymentStatus(true, null, { type: "Deployment", slotName: "production" });
  await utility.postZipDeployOperation(id, active);
  return { id, active };
}

// AzureWebApp@1 with a service connection of a publish profile. It drops the port.
async function pipelines(profile, zip) {
  const { Kudu } = require("azure-pipelines-tasks-azure-arm-rest/azure-arm-app-service-kudu");
  const login = `${profile.userName}:${profile.userPWD}`;
  const authorization = `Basic ${Buffer.from(login).toString("base64")}`;
  const kudu = new Kudu(`https://${login}@${profile.publishUrl.split(":")[0]}`, authorization);
  const record = (status) => ({
    id: `42${Date.now()}`,
    active: status === SUCCESS,
    status,
    message: JSON.stringify({ type: "Deployment", buildId: "42" }),
    author: "somebody",
    deployer: "VSTS",
  });
  await kudu.getAppSettings().catch((error) => console.log(`not woken up: ${error.message}`));
  const ended = await kudu.zipDeploy(zip, ["isAsync=true", "deployer=VSTS_ZIP_DEPLOY"]);
  const details = await kudu.getDeploymentDetails(ended.id);
  if (ended.status === FAILED) {
    for (const line of await kudu.getDeploymentLogs(details.log_url)) {
      console.log(line.message);
    }
    await kudu.updateDeployment(record(FAILED));
    throw new Error("Package deployment using ZIP Deploy failed. Refer logs for more details.");
  }
  const active = await kudu.updateDeployment(record(SUCCESS));
  const manifest = await kudu.getFileContent(`site/deployments/${ended.id}`, "manifest");
  return { id: ended.id, active, manifest };
}

const CLIENTS = {
  "webapps-deploy-v3": (profile, zip) =>
    github(profile, (one, custom) => one.deployUsingOneDeploy(zip, custom, "", "zip", "", ""), { records: false }),
  "webapps-deploy-v2": (profile, zip) =>
    github(profile, (one, custom) => one.deployUsingZipDeploy(zip, custom), { records: true }),
  "azure-web-app": pipelines,
};

async function main([name, zip]) {
  try {
    const profile = await firstProfile(process.env.PUBLISH_PROFILE);
    return { error: null, ...(await CLIENTS[name](profile, zip)) };
  } catch (error) {
    return { error: error.message ?? String(error) };
  }
}

main(process.argv.slice(2)).then((result) => {
  console.log(`\nRESULT ${JSON.stringify(result)}`);
  process.exit(result.error === null ? 0 : 1);
});
